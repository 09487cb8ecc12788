// Errors as answers: the body a client knows from vLLM, and the headers that belong to a status.

import { renderError, renderFlatError } from '../../api/errors.js'
import type { QvlError } from '../../errors.js'
import type { RouteAnswer } from '../route.js'

const json = { 'content-type': 'application/json' }

export interface ErrorOptions {
  /** Seconds, for a refusal that another try may overcome. */
  retryAfter?: number | undefined
  /** SGLang's form. */
  flat?: boolean
}

export function errorAnswer(error: QvlError, { retryAfter, flat = false }: ErrorOptions = {}): RouteAnswer {
  // vLLM's own body, a bare text, where a key is wrong.
  if (error.code === 'UNAUTHORIZED') {
    return { status: 401, headers: { ...json, 'www-authenticate': 'Bearer' }, body: '{"error":"Unauthorized"}' }
  }
  const headers = retryAfter === undefined ? json : { ...json, 'retry-after': String(retryAfter) }
  return { status: error.status, headers, body: JSON.stringify(flat ? renderFlatError(error) : renderError(error)) }
}

export const notFound: RouteAnswer = { status: 404, headers: json, body: '{"detail":"Not Found"}' }

export const methodNotAllowed = (allowed: readonly string[]): RouteAnswer => ({
  status: 405,
  headers: { ...json, allow: allowed.join(', ') },
  body: '{"detail":"Method Not Allowed"}',
})
