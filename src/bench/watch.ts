// Looks at a running server, qvl's or vLLM's: its metrics, and whether it takes requests.

import { QvlError } from '../errors.js'
import { Target } from './load/target.js'

export type ServerState = 'loading' | 'ready' | 'draining' | 'failed' | 'unreachable'

/** What a server said at one moment. */
export interface ServerReading {
  address: string
  state: ServerState
  /** For people; empty when there is nothing to say. */
  why: string
  /** Prometheus' text; undefined when the server could not be asked. */
  metrics: string | undefined
  /** Its first model, and the version it tells. */
  model: string | undefined
  version: string | undefined
}

export interface ServerWatch extends AsyncDisposable {
  /** A server that is away is a reading too. Throws UNAUTHORIZED, USAGE without metrics, the reason of the signal. */
  read(signal: AbortSignal): Promise<ServerReading>
  close(): Promise<void>
}

export interface WatchOptions {
  /** `http://host:port`, `https://host/prefix` or `unix:/path`. */
  url: string
  apiKey: string | undefined
  insecure: boolean
}

/** A server that has no answer within this time is shown as away. */
const answerMs = 5_000

/** Throws USAGE for what is no address. */
export function watchServer({ url, apiKey, insecure }: WatchOptions): ServerWatch {
  const address = url.replace(/\/+$/, '')
  checkAddress(address)
  const target = new Target({
    baseUrl: address,
    endpoint: '',
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    insecure,
    requestIdPrefix: 'top-',
    maxConnections: 1,
    timeoutMs: answerMs,
  })
  const close = (): Promise<void> => target.close()
  let names: Pick<ServerReading, 'model' | 'version'> | undefined
  return {
    async read(signal) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
      try {
        const metrics = await metricsOf(target, limited)
        const life = await lifeOf(target, limited)
        if (names?.model === undefined) names = await namesOf(target, limited)
        return { address, metrics, ...life, ...names }
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof QvlError) throw error
        // It may be another server, or another model, that comes back.
        names = undefined
        return { address, metrics: undefined, model: undefined, version: undefined, ...away(error, address) }
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function metricsOf(target: Target, signal: AbortSignal): Promise<string> {
  const { status, body } = await target.ask('/metrics', { signal })
  if (status === 200) return body
  if (status === 401 || status === 403) throw unauthorized(target, status)
  if (status >= 500) throw new Error(`/metrics was answered with status ${status}.`)
  throw new QvlError('USAGE', {
    what: `${target.origin} has no metrics: it answered /metrics with status ${status}.`,
    why: 'What is shown is read from /metrics, which qvl and vLLM have.',
    do: 'Correct the address; a prefix of the path belongs to it.',
  })
}

/** qvl says why it is not ready; vLLM has a status only. */
async function lifeOf(target: Target, signal: AbortSignal): Promise<Pick<ServerReading, 'state' | 'why'>> {
  const ready = await target.ask('/health/ready', { signal })
  const { status: state, why } = fieldsOf(ready.body)
  const known = states.find((one) => one === state)
  if (known !== undefined) return { state: known, why: typeof why === 'string' ? why : '' }
  const { status } = await target.ask('/health', { signal })
  return status === 200
    ? { state: 'ready', why: '' }
    : { state: 'failed', why: `/health answers with status ${status}.` }
}

const states: readonly ServerState[] = ['loading', 'ready', 'draining', 'failed']

async function namesOf(target: Target, signal: AbortSignal): Promise<Pick<ServerReading, 'model' | 'version'>> {
  const models = await target.ask('/v1/models', { signal })
  const { version } = fieldsOf((await target.ask('/version', { signal })).body)
  const { data } = fieldsOf(models.body)
  const { id } = fieldsIn(Array.isArray(data) ? data[0] : undefined)
  return { model: typeof id === 'string' ? id : undefined, version: typeof version === 'string' ? version : undefined }
}

function fieldsOf(body: string): Record<string, unknown> {
  try {
    return fieldsIn(JSON.parse(body))
  } catch {
    // Not an answer of a server that is known here: it has none of the fields.
    return {}
  }
}

const fieldsIn = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

function away(error: unknown, address: string): Pick<ServerReading, 'state' | 'why'> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const reason = typeof code === 'string' ? reasons[code] : undefined
  const late = error instanceof DOMException && error.name === 'TimeoutError'
  const why = reason ?? (late ? `it has not answered for ${answerMs / 1000} s` : 'the connection failed')
  return { state: 'unreachable', why: `No answer from ${address}: ${why}.` }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name could not be looked up',
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  EHOSTUNREACH: 'there is no way to that machine',
  ENETUNREACH: 'there is no way to that machine',
  ETIMEDOUT: 'that machine does not answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted; --insecure takes any',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted; --insecure takes any',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted; --insecure takes any',
  CERT_HAS_EXPIRED: 'its certificate has expired; --insecure takes any',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; --insecure takes any',
}

function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const isHttp = url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
  if (isHttp || address.startsWith('unix:/')) return
  throw new QvlError('USAGE', {
    what: `The address ${JSON.stringify(address)} is not one that can be asked.`,
    why: 'It is written http://HOST:PORT or https://HOST:PORT, perhaps with a path, or unix:/PATH.',
    do: 'Write, for example: qvl top http://127.0.0.1:8000',
  })
}

function unauthorized({ origin }: Target, status: number): QvlError {
  return new QvlError('UNAUTHORIZED', {
    what: `${origin} does not show its metrics: it answered with status ${status}.`,
    why: 'It wants an API key, or another one than it was given.',
    do: 'Name a file that holds the key with --api-key-file, or start the server with --metrics-without-key.',
    param: '--api-key-file',
  })
}
