// Errors as vLLM writes them: `{"error": {"message", "type", "param", "code"}}`.

import type { QvlError } from '../errors.js'

export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: number }
}

/** vLLM's names (`vllm/entrypoints/openai/engine/protocol.py`), which are those of `http.HTTPStatus`. */
const types: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  404: 'NotFoundError',
  409: 'ConflictError',
  413: 'RequestEntityTooLargeError',
  415: 'UnsupportedMediaTypeError',
  422: 'UnprocessableEntityError',
  429: 'TooManyRequestsError',
  501: 'NotImplementedError',
  503: 'ServiceUnavailableError',
}

export function renderError(error: QvlError): ErrorBody {
  return {
    error: {
      message: errorMessage(error),
      type: types[error.status] ?? 'InternalServerError',
      param: error.details.param ?? null,
      code: error.status,
    },
  }
}

/** What happened, why, and what to do, in one line. The cause stays in the log: it may name paths and addresses. */
export function errorMessage({ details }: QvlError): string {
  return [details.what, details.why, details.do].filter(Boolean).join(' ')
}
