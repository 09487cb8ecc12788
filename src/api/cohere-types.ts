// Cohere's embedding types: a vector as numbers, as bits, or as base64.

import { littleEndianBytes } from './float-bytes.js'
import { floatsText } from './float-text.js'

/** In the order of vLLM's answer. */
export const cohereTypes = ['float', 'binary', 'ubinary', 'base64'] as const
export type CohereType = (typeof cohereTypes)[number]

/** JSON text of one vector. */
export function* vectorAs(form: CohereType, vector: Float32Array): Generator<string, void, undefined> {
  switch (form) {
    case 'float':
      yield `[${floatsText(vector)}]`
      return
    case 'binary':
      yield JSON.stringify(Array.from(signBits(vector), (byte) => byte - 128))
      return
    case 'ubinary':
      yield JSON.stringify(Array.from(signBits(vector)))
      return
    case 'base64':
      yield `"${littleEndianBytes(vector).toString('base64')}"`
      return
    default:
      form satisfies never
  }
}

/** One bit for each number, 1 where it is not negative, the first number in the highest bit of the first byte. */
function signBits(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(vector.length / 8)
  return bytes.map((_, byte) => {
    let bits = 0
    for (let bit = 0; bit < 8; bit++) bits = (bits << 1) | (vector[8 * byte + bit]! >= 0 ? 1 : 0)
    return bits
  })
}
