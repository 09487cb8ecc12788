// Requests that never become one: what Node's parser refuses is answered here, and the connection is closed.

import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { QvlError } from '../../errors.js'
import type { Limits } from '../limits.js'
import type { Refusal } from '../metrics.js'
import { errorAnswer } from './error-answer.js'

export interface Unreadable {
  error: QvlError
  refusal: Refusal
}

/** What Node's `clientError` event means; undefined when there is nobody left to tell. */
export function unreadable(error: NodeJS.ErrnoException, limits: Limits): Unreadable | undefined {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return undefined
  if (error.code === 'HPE_HEADER_OVERFLOW') return { error: headersTooLarge(limits, error), refusal: 'too_large' }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return { error: headersTooSlow(limits, error), refusal: 'timeout' }
  return { error: malformed(error), refusal: 'malformed' }
}

/** Writes the answer by hand: there is no response object for a request that was not parsed. */
export function answerUnreadable(socket: Duplex, error: QvlError): void {
  const { status, headers = {}, body } = errorAnswer(error)
  const text = String(body)
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(text), connection: 'close' })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${text}`)
}

function headersTooLarge({ maxHeaderBytes }: Limits, cause: unknown): QvlError {
  return new QvlError('HEADERS_TOO_LARGE', {
    what: 'The headers of this request are too large.',
    why: `This server reads ${maxHeaderBytes} bytes of them.`,
    do: 'Send fewer or shorter headers.',
    cause,
  })
}

function headersTooSlow({ headerSeconds }: Limits, cause: unknown): QvlError {
  return new QvlError('REQUEST_TIMEOUT', {
    what: 'The headers of this request did not arrive in time.',
    why: `This server waits ${headerSeconds} s for them.`,
    do: 'Send them faster, or start the server with a larger --header-timeout.',
    cause,
  })
}

function malformed(cause: unknown): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: 'This is not an HTTP request.',
    why: 'Its request line, its headers or the framing of its body break the rules of HTTP/1.1.',
    do: 'Use an HTTP client library.',
    cause,
  })
}
