// The server under measurement: its address, the headers every request carries, and the connections to it.

import { Pool } from 'undici'
import { QvlError } from '../../errors.js'
import { sideRequestTimeoutMs } from '../limits.js'
import { Exchange, type OnEnd } from './exchange.js'

export interface TargetOptions {
  /** `http://host:port`, `https://host/prefix` or `unix:/path`. */
  baseUrl: string
  /** Added to the base address. */
  endpoint: string
  headers: Readonly<Record<string, string>>
  insecure: boolean
  requestIdPrefix: string
  /** A connection for each request under way; absent means as many as it takes. */
  maxConnections: number | undefined
  timeoutMs: number
}

/** An answer to a question beside the run. */
export interface SideAnswer {
  status: number
  body: string
}

export class Target implements AsyncDisposable {
  readonly origin: string
  readonly url: string
  readonly #pool: Pool
  readonly #prefix: string
  readonly #path: string
  readonly #headers: readonly string[]
  readonly #options: TargetOptions
  #closed: Promise<void> | undefined

  /** Throws USAGE. */
  constructor(options: TargetOptions) {
    const { origin, prefix, socketPath } = parseBaseUrl(options.baseUrl)
    this.origin = options.baseUrl
    this.url = `${options.baseUrl}${options.endpoint}`
    this.#options = options
    this.#prefix = prefix
    this.#path = prefix + options.endpoint
    this.#headers = Object.entries({ 'content-type': 'application/json', ...options.headers }).flat()
    this.#pool = new Pool(origin, {
      connections: options.maxConnections ?? null,
      pipelining: 1,
      // The time of a request is ours to measure and to limit.
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: 0,
      connect: { rejectUnauthorized: !options.insecure },
      ...(socketPath !== undefined && { socketPath }),
    })
  }

  /** Sends request number `index`. */
  send(index: number, body: Buffer | string, onEnd: OnEnd): Exchange {
    const { requestIdPrefix, timeoutMs } = this.#options
    const headers = [...this.#headers, 'x-request-id', `${requestIdPrefix}${index}`]
    const exchange = new Exchange(index, timeoutMs, onEnd)
    this.#pool.dispatch({ method: 'POST', path: this.#path, headers, body }, exchange)
    return exchange
  }

  /** Asks another path of the server. Throws what the connection throws, and the reason of `signal`. */
  async ask(path: string, options: { body?: unknown; signal?: AbortSignal | undefined } = {}): Promise<SideAnswer> {
    const timeout = AbortSignal.timeout(sideRequestTimeoutMs)
    const { statusCode, body } = await this.#pool.request({
      method: options.body === undefined ? 'GET' : 'POST',
      path: this.#prefix + path,
      headers: [...this.#headers],
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]),
    })
    return { status: statusCode, body: await body.text() }
  }

  /** Cuts what is still under way. */
  close(): Promise<void> {
    this.#closed ??= this.#pool.destroy()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function parseBaseUrl(text: string): { origin: string; prefix: string; socketPath?: string } {
  if (text.startsWith('unix:/'))
    return { origin: 'http://localhost', prefix: '', socketPath: text.slice('unix:'.length) }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new QvlError('USAGE', {
      what: `The address ${JSON.stringify(text)} is not one that can be asked.`,
      why: 'It is written http://HOST:PORT or https://HOST:PORT, perhaps with a path, or unix:/PATH.',
      do: 'Correct --base-url, or --host and --port.',
      param: '--base-url',
    })
  }
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') }
}
