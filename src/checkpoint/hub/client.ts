// HTTP to one hub: redirects by hand, the token for the hub alone, failures as errors that say what to do.

import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { QvlError } from '../../errors.js'
import { parseJson } from '../json.js'
import {
  type HubTarget,
  networkFailure,
  statusFailure,
  TransientFailure,
  unavailable,
  unexpectedAnswer,
} from './errors.js'
import type { HubLimits } from './limits.js'
import { type RetryOptions, retrying } from './retry.js'
import type { Environment } from './settings.js'

export interface HubClientOptions {
  target: HubTarget
  /** Headers that say who the user is; sent to the hub's own address only. */
  credentials: Readonly<Record<string, string>>
  limits: HubLimits
  env: Environment
  warn: (message: string) => void
}

type Response = Dispatcher.ResponseData

interface Request {
  method: 'GET' | 'HEAD'
  url: string
  headers?: Record<string, string>
  /** Return a redirect to where the bytes are, instead of following it. */
  stayHome?: boolean
  signal: AbortSignal
}

// A pause a person would notice is worth a line.
const longPauseMs = 10_000

export class HubClient implements AsyncDisposable {
  readonly target: HubTarget
  readonly limits: HubLimits
  readonly #options: HubClientOptions
  readonly #agent: EnvHttpProxyAgent
  readonly #home: URL

  constructor(options: HubClientOptions) {
    this.target = options.target
    this.limits = options.limits
    this.#options = options
    this.#home = new URL(options.target.endpoint)
    this.#agent = openAgent(options.env, options.limits)
  }

  /** The headers that describe a file, without following a redirect to where its bytes are. */
  async head(url: string, signal: AbortSignal): Promise<{ statusCode: number; headers: IncomingHttpHeaders }> {
    return this.retrying({ signal }, async () => {
      const response = await this.#send({ method: 'HEAD', url, stayHome: true, signal })
      await response.body.dump({ limit: 0 })
      if (response.statusCode >= 400) throw this.#failure(response, url)
      return { statusCode: response.statusCode, headers: response.headers }
    })
  }

  /** The parsed answer to a GET; `maxTries` as in the limits when absent. */
  async json(url: string, signal: AbortSignal, maxTries = this.limits.maxTries): Promise<unknown> {
    const bytes = await this.retrying({ signal, maxTries }, async () => {
      const response = await this.#send({ method: 'GET', url, signal })
      if (response.statusCode !== 200) throw await this.#refused(response, url)
      return this.#bytes(response, signal)
    })
    return parseJson(bytes, plainAddress(url), { what: `an answer of ${this.target.service}`, code: 'HUB_UNAVAILABLE' })
  }

  /** One try at a file's bytes from `start` on. The answer has status 200, 206 or 416. */
  async open(url: string, start: number, signal: AbortSignal): Promise<Response> {
    const headers = start > 0 ? { range: `bytes=${start}-` } : {}
    const response = await this.#send({ method: 'GET', url, headers, signal })
    if (response.statusCode === 200 || response.statusCode === 206 || response.statusCode === 416) return response
    throw await this.#refused(response, url)
  }

  /** Try until it works; a transient failure that stays becomes HUB_UNAVAILABLE. */
  async retrying<T>(
    options: Pick<RetryOptions, 'signal' | 'progress'> & { maxTries?: number },
    attempt: () => Promise<T>,
  ): Promise<T> {
    const limits = { ...this.limits, maxTries: options.maxTries ?? this.limits.maxTries }
    const onPause = (failure: TransientFailure, pauseMs: number): void => {
      if (pauseMs >= longPauseMs) this.#options.warn(`${failure.why} Trying again in ${Math.ceil(pauseMs / 1000)} s.`)
    }
    return retrying(attempt, { ...options, limits, onPause }).catch((error: unknown) => {
      throw error instanceof TransientFailure ? unavailable(this.target, error) : error
    })
  }

  /** Cut all connections. Closing twice is fine. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #send(request: Request): Promise<Response> {
    let url = new URL(request.url)
    let trusted = true
    for (let hop = 0; hop <= this.limits.maxRedirects; hop++) {
      // Once a redirect has left the hub, what follows is no longer the hub's doing.
      trusted &&= url.origin === this.#home.origin
      const response = await this.#dispatch(request, url, trusted)
      const next = redirectTarget(response, url)
      if (next === undefined || (request.stayHome && this.#leadsToContent(response, next))) return response
      await response.body.dump()
      if (next.protocol !== 'https:' && next.protocol !== this.#home.protocol) {
        throw unexpectedAnswer(this.target, `It redirects to ${plainAddress(next.href)}, which is not encrypted.`)
      }
      url = next
    }
    throw unexpectedAnswer(this.target, `It redirects more than ${this.limits.maxRedirects} times.`)
  }

  /** A renamed repository redirects on the hub, too; only a redirect to the bytes tells their tag. */
  #leadsToContent(response: Response, next: URL): boolean {
    return next.origin !== this.#home.origin || response.headers['x-linked-etag'] !== undefined
  }

  async #dispatch(request: Request, url: URL, trusted: boolean): Promise<Response> {
    try {
      return await this.#agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: {
          'user-agent': 'qvl',
          // A length and a range count stored bytes, not compressed ones.
          'accept-encoding': 'identity',
          ...request.headers,
          ...(trusted ? this.#options.credentials : {}),
        },
        signal: request.signal,
      })
    } catch (error) {
      request.signal.throwIfAborted()
      throw networkFailure(error, url.host)
    }
  }

  async #bytes(response: Response, signal: AbortSignal): Promise<Buffer> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of readBody(response, this.#home.host, signal)) {
      length += chunk.length
      if (length > this.limits.maxJsonBytes) {
        throw unexpectedAnswer(this.target, `An answer has more than ${this.limits.maxJsonBytes} bytes.`)
      }
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  async #refused(response: Response, url: string): Promise<Error> {
    await response.body.dump()
    return this.#failure(response, url)
  }

  #failure(response: Response, url: string): Error {
    return statusFailure(response.statusCode, response.headers, this.target, plainAddress(url))
  }
}

/** The body's chunks; a connection that is cut or stalls throws a TransientFailure. */
export async function* readBody(response: Response, host: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunks = response.body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        signal.throwIfAborted()
        throw networkFailure(error, host)
      })
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await chunks.return?.()
  }
}

function openAgent(env: Environment, limits: HubLimits): EnvHttpProxyAgent {
  try {
    return new EnvHttpProxyAgent({
      httpProxy: env.http_proxy ?? env.HTTP_PROXY ?? '',
      httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? '',
      noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
      connect: { timeout: limits.connectTimeoutMs },
      headersTimeout: limits.idleTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
    })
  } catch (cause) {
    throw new QvlError('USAGE', {
      what: 'The proxy in the environment is not usable.',
      why: 'HTTP_PROXY and HTTPS_PROXY hold the address of a proxy, such as http://proxy:3128.',
      do: 'Correct or unset these variables.',
      cause,
    })
  }
}

function redirectTarget(response: Response, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(response.statusCode)) return undefined
  const { location } = response.headers
  return typeof location === 'string' && URL.canParse(location, from.href) ? new URL(location, from) : undefined
}

/** Without the query: a signed address is a secret. */
function plainAddress(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
