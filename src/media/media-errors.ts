// The refusals of references to media.

import { QvlError } from '../errors.js'

/** References are quoted in messages up to this many characters; a data URL would be megabytes. */
const maxQuoted = 80

export const quoted = (reference: string): string =>
  reference.length > maxQuoted ? `${JSON.stringify(reference.slice(0, maxQuoted))}…` : JSON.stringify(reference)

export function invalidReference(what: string, why: string, fix: string): QvlError {
  return new QvlError('REQUEST_INVALID', { what, why, do: fix })
}

export function tooManyBytes(maxBytes: number): QvlError {
  return new QvlError('MEDIA_TOO_LARGE', {
    what: 'The file is too large.',
    why: `At most ${maxBytes} bytes are read.`,
    do: 'Send it smaller.',
  })
}
