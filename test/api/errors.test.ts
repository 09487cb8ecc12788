import { describe, expect, it } from 'vitest'
import { renderError, renderFlatError } from '#qvl/api/errors.js'
import { type ErrorCode, QvlError } from '#qvl/errors.js'

describe('errors', () => {
  it.each([
    ['REQUEST_SCHEMA', 400, 'Bad Request'],
    ['REQUEST_INVALID', 400, 'BadRequestError'],
    ['INPUT_TOO_LONG', 400, 'BadRequestError'],
    ['TEMPLATE_INVALID', 400, 'BadRequestError'],
    ['UNAUTHORIZED', 401, 'UnauthorizedError'],
    ['FORBIDDEN_ORIGIN', 403, 'ForbiddenError'],
    ['MODEL_NOT_SERVED', 404, 'NotFoundError'],
    ['REQUEST_TIMEOUT', 408, 'RequestTimeoutError'],
    ['REQUEST_TOO_LARGE', 413, 'RequestEntityTooLargeError'],
    ['ENCODING_UNSUPPORTED', 415, 'UnsupportedMediaTypeError'],
    ['ENGINE_OVERLOADED', 429, 'TooManyRequestsError'],
    ['CANCELLED', 499, 'ClientClosedRequestError'],
    ['DEVICE_FAILED', 500, 'InternalServerError'],
    ['RESULT_NOT_FINITE', 500, 'InternalServerError'],
    ['NOT_IMPLEMENTED', 501, 'NotImplementedError'],
    ['NOT_READY', 503, 'ServiceUnavailableError'],
  ] as const)('%s', (code, status, type) => {
    const cause = new Error('/secret/path')
    const fields = { message: 'A. B. C.', type, param: 'p', code: status }
    const error = new QvlError(code, { what: 'A.', why: 'B.', do: 'C.', param: 'p', cause })
    expect(JSON.stringify(renderError(error))).toBe(JSON.stringify({ error: fields }))
    expect(JSON.stringify(renderFlatError(error))).toBe(JSON.stringify({ object: 'error', ...fields }))
    expect(renderError(new QvlError(code, { what: 'A.' })).error).toMatchObject({ message: 'A.', param: null })
  })

  it.each([
    ['DEVICE_UNAVAILABLE', 'No /opt/qvl/lib/x.node here.', 'No <path> here.'],
    ['DEVICE_FAILED', 'No C:\\models\\x here.', 'No <path> here.'],
    ['DEVICE_FAILED', 'Qwen/Qwen3-VL and and/or and /v1 and 3/4.', 'Qwen/Qwen3-VL and and/or and /v1 and 3/4.'],
    ['REQUEST_INVALID', 'URL "/v1/score" is wrong.', 'URL "/v1/score" is wrong.'],
  ] as const satisfies [ErrorCode, string, string][])('%s: %s', (code, what, message) => {
    expect(renderError(new QvlError(code, { what })).error.message).toBe(message)
  })
})
