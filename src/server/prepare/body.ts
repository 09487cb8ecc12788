// The first step with a body: from bytes to a JSON value.

import { parseJsonText } from '../../api/json-text.js'
import { QvlError } from '../../errors.js'

/** Throws REQUEST_SCHEMA for what is not UTF-8 or not JSON. */
export function readJson(body: Uint8Array): unknown {
  return parseJsonText(decode(body), 'The request body')
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (cause) {
    throw new QvlError('REQUEST_SCHEMA', {
      what: 'The request body is not valid UTF-8.',
      why: 'Replacing the wrong bytes would ask about another text than was sent.',
      do: 'Send JSON in UTF-8.',
      param: 'body',
      cause,
    })
  }
}
