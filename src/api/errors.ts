// Errors on the wire: vLLM's `{"error": {"message", "type", "param", "code"}}`, and SGLang's flat form.

import type { QvlError } from '../errors.js'

interface ErrorFields {
  message: string
  type: string
  param: string | null
  code: number
}

export interface ErrorBody {
  error: ErrorFields
}

export interface FlatErrorBody extends ErrorFields {
  object: 'error'
}

/** vLLM's names (`vllm/entrypoints/openai/engine/protocol.py`), which are those of `http.HTTPStatus`. */
const types: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  401: 'UnauthorizedError',
  403: 'ForbiddenError',
  404: 'NotFoundError',
  405: 'MethodNotAllowedError',
  408: 'RequestTimeoutError',
  409: 'ConflictError',
  413: 'RequestEntityTooLargeError',
  415: 'UnsupportedMediaTypeError',
  422: 'UnprocessableEntityError',
  429: 'TooManyRequestsError',
  431: 'RequestHeaderFieldsTooLargeError',
  499: 'ClientClosedRequestError',
  501: 'NotImplementedError',
  502: 'BadGatewayError',
  503: 'ServiceUnavailableError',
}

/** Bodies that fail their schema are told apart from those that ask for something wrong. */
const schemaType = 'Bad Request'

export const renderError = (error: QvlError): ErrorBody => ({ error: errorFields(error) })

export const renderFlatError = (error: QvlError): FlatErrorBody => ({ object: 'error', ...errorFields(error) })

/** What happened, why, and what to do, in one line. The cause stays in the log: it may name paths and addresses. */
export function errorMessage({ details }: QvlError): string {
  return [details.what, details.why, details.do].filter(Boolean).join(' ')
}

function errorFields(error: QvlError): ErrorFields {
  const type = error.code === 'REQUEST_SCHEMA' ? schemaType : (types[error.status] ?? 'InternalServerError')
  return { message: publicMessage(error), type, param: error.details.param ?? null, code: error.status }
}

/** Errors of the server itself may name its files; a client gets the sentence without them, as from vLLM. */
function publicMessage(error: QvlError): string {
  const message = errorMessage(error)
  return error.status < 500 ? message : message.replace(absolutePath, '<path>')
}

/** Two names or more after a slash that begins a word: `/v1` stays. */
const absolutePath = /(?<![\w/.:])(?:[A-Za-z]:)?(?:[\\/][\w.@+-]+){2,}/g
