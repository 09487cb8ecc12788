// Why a request failed, in few kinds that can be counted.

/** The answer of a request that failed is kept up to here, to show one of each kind. */
export const maxMessageBytes = 400

export interface Failure {
  /** `HTTP 429 Too Many Requests`, `connection reset`: the same for all requests that fail the same way. */
  kind: string
  /** What the server said, or what Retry-After asks for. */
  detail?: string | undefined
}

export const timedOut: Failure = { kind: 'timeout' }
export const notJson: Failure = { kind: 'invalid JSON' }

/** A refusal is counted and not sent again: a load generator that waits measures another load. */
export function refusal(status: number, reason: string, retryAfter: string | undefined, body: string): Failure {
  const wait = retryAfter === undefined ? undefined : `Retry-After: ${retryAfter}`
  const detail = [wait, messageIn(body)].filter((text) => text !== undefined && text !== '').join('; ')
  return { kind: `HTTP ${status} ${reason}`.trimEnd(), detail: detail || undefined }
}

/** What the connection says of itself: the codes of Node.js and of undici. */
const kindsOfCodes = new Map([
  ['ECONNRESET', 'connection reset'],
  ['EPIPE', 'connection reset'],
  ['ECONNREFUSED', 'connection refused'],
  ['ENOTFOUND', 'host not found'],
  ['EAI_AGAIN', 'host not found'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['EMFILE', 'too many open connections'],
  ['EADDRNOTAVAIL', 'too many open connections'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'answer cut off'],
])

/** `answered`: the head of an answer had come. */
export function connectionFailure(error: Error, answered: boolean): Failure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'UND_ERR_SOCKET') return { kind: answered ? 'answer cut off' : 'connection closed early' }
  if (error.name === 'HTTPParserError') return { kind: 'answer is not HTTP' }
  if (code === 'ECONNRESET' && answered) return { kind: 'answer cut off' }
  const kind = kindsOfCodes.get(code)
  if (kind !== undefined) return { kind }
  // Certificates have about thirty codes.
  return { kind: code === '' ? 'connection failed' : `connection failed (${code})` }
}

/** The message of vLLM's and FastAPI's error bodies, or else the text. */
function messageIn(body: string): string | undefined {
  const text = body.slice(0, maxMessageBytes)
  const match = /"(?:message|detail)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(body)
  return match === null ? text.trim() : match[1]!.slice(0, maxMessageBytes)
}
