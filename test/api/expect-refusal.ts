// The one check of requests that are refused: the code, the field at fault, and the text.

import { expect } from 'vitest'
import { QvlError } from '#qvl/errors.js'

export const schema = 'REQUEST_SCHEMA'
export const invalid = 'REQUEST_INVALID'
export const tooLarge = 'REQUEST_TOO_LARGE'

/** `text` is a part of the message. */
export function expectRefusal(parse: () => unknown, code: string, param: string | undefined, text = ''): void {
  let refused: unknown
  try {
    refused = parse()
  } catch (error) {
    expect(error).toBeInstanceOf(QvlError)
    if (!(error instanceof QvlError)) return
    expect({ code: error.code, param: error.details.param }).toEqual({ code, param })
    expect(Object.values(error.details).join(' ')).toContain(text)
    return
  }
  expect.unreachable(`nothing was refused: ${JSON.stringify(refused)}`)
}
