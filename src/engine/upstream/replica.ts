// One replica: its connections, what is outstanding there, and whether it is healthy.

import { Pool } from 'undici'
import { QvlError } from '../../errors.js'
import { callTimeoutMs, healthTimeoutMs, maxCallsPerReplica, type UpstreamOptions } from './options.js'

/** What every replica must serve. */
export interface Expected {
  name: string
  maxModelLen: number
}

export interface HttpAnswer {
  status: number
  /** The header of that name; empty where there is none. */
  server: string
  /** Of a refusal for now, in seconds. */
  retryAfter: number
  /** The parsed body; undefined where it is no JSON. */
  body: unknown
}

export class Replica {
  readonly url: string
  isHealthy = false
  /** Undefined until it has answered once. */
  isQvl: boolean | undefined
  /** It has said that it is full; by performance.now(). */
  busyUntil = 0
  readonly counts = { answered: 0, failed: 0 }
  outstandingTokens = 0
  outstandingCalls = 0
  readonly #pool: Pool
  readonly #basePath: string
  readonly #headers: Record<string, string>

  constructor(url: string, { apiKey }: UpstreamOptions) {
    const { origin, pathname } = new URL(url)
    this.#basePath = pathname.replace(/\/$/, '')
    this.url = origin + this.#basePath
    this.#headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
    // One connection more than calls, so that a question for health never waits behind them.
    this.#pool = new Pool(origin, { connections: maxCallsPerReplica + 1, pipelining: 1 })
  }

  /** Throws what the socket throws; an answer of any status is an answer. */
  async post(path: string, body: object, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const headers = { ...this.#headers, 'content-type': 'application/json' }
    const limits = { headersTimeout: callTimeoutMs, bodyTimeout: callTimeoutMs }
    return this.#ask({ method: 'POST', path, headers, body: JSON.stringify(body), signal, ...limits })
  }

  /** Ask whether it is ready, and what it serves. Throws UPSTREAM_UNAVAILABLE for a replica of another model. */
  async probe(expected: Expected): Promise<void> {
    const wrong = await this.#look(expected).catch(() => 'unreachable' as const)
    this.isHealthy = wrong === undefined
    if (wrong instanceof QvlError) throw wrong
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  /** Undefined when all is well. vLLM has no /health/ready. */
  async #look(expected: Expected): Promise<QvlError | 'not ready' | undefined> {
    const ready = await this.#get('/health/ready')
    const health = ready.status === 404 ? await this.#get('/health') : ready
    if (health.status !== 200) return 'not ready'
    const version = await this.#get('/version')
    this.isQvl = version.server.startsWith('qvl/')
    const models = await this.#get('/v1/models')
    if (models.status === 401 || models.status === 403) return keyRefused(this.url)
    return models.status === 200 ? this.#check(servedModels(models.body), expected) : 'not ready'
  }

  #check(served: readonly Served[], { name, maxModelLen }: Expected): QvlError | undefined {
    const found = served.find(({ id, root }) => id === name || root === name)
    if (found === undefined) return otherModel(this.url, served, name)
    const { maxModelLen: theirs } = found
    return theirs !== undefined && theirs < maxModelLen ? shorter(this.url, theirs, maxModelLen) : undefined
  }

  #get(path: string): Promise<HttpAnswer> {
    const limits = { headersTimeout: healthTimeoutMs, bodyTimeout: healthTimeoutMs }
    const signal = AbortSignal.timeout(healthTimeoutMs)
    return this.#ask({ method: 'GET', path, headers: this.#headers, signal, ...limits })
  }

  async #ask({ path, signal, ...options }: Asked): Promise<HttpAnswer> {
    const { statusCode, headers, body } = await this.#pool.request({
      ...options,
      path: this.#basePath + path,
      signal: signal ?? null,
    })
    const retryAfter = Number(headers['retry-after'])
    return {
      status: statusCode,
      server: String(headers.server ?? ''),
      retryAfter: retryAfter > 0 ? retryAfter : 0,
      body: parsed(await body.text()),
    }
  }
}

interface Asked {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body?: string
  signal: AbortSignal | undefined
  headersTimeout: number
  bodyTimeout: number
}

interface Served {
  id: unknown
  root: unknown
  maxModelLen: number | undefined
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function servedModels(body: unknown): Served[] {
  const data = isObject(body) && Array.isArray(body.data) ? body.data : []
  return data.filter(isObject).map(({ id, root, max_model_len: length }) => ({
    id,
    root,
    maxModelLen: typeof length === 'number' ? length : undefined,
  }))
}

/** A status without JSON, such as a proxy's page, is still an answer. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const otherModel = (url: string, served: readonly Served[], name: string): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: `${url} does not serve ${name}.`,
    why: `It serves ${served.map(({ id }) => String(id)).join(', ') || 'no model'}.`,
    do: 'Correct --upstream, or say with --served-upstream-model what the replicas call the model.',
    param: '--upstream',
  })

const shorter = (url: string, theirs: number, ours: number): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: `${url} takes prompts of ${theirs} tokens, and this server takes ${ours}.`,
    why: 'A prompt in between would be refused there.',
    do: `Add --max-model-len ${theirs} here, or raise the limit of the replica.`,
    param: '--max-model-len',
  })

const keyRefused = (url: string): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: `${url} refuses the key.`,
    why: 'It asks for one, and the one given is missing or another.',
    do: 'Give it with --upstream-api-key-file or UPSTREAM_API_KEY.',
    param: '--upstream-api-key-file',
  })
