// Floats on the wire: the shortest decimals that give the same float32 back, and little-endian bytes.

import { endianness } from 'node:os'
import { QvlError } from '../errors.js'

/** Decimals with up to 6 digits always survive float32, and 9 digits always suffice (IEEE 754, binary32). */
const minDigits = 6
const maxDigits = 9

/**
 * The number that prints as the shortest decimal which reads back as the same float32. vLLM widens to double, which
 * prints 17 digits of which the last 9 say nothing: the same vector in half the bytes.
 * Throws RESULT_NOT_FINITE, because JSON has no NaN and no infinity.
 */
export function wireFloat(value: number): number {
  const float = Math.fround(value)
  if (!Number.isFinite(float)) throw notFinite()
  // Most floats need 8 digits, so the search starts there.
  let digits = 8
  let shortest = Number(float.toPrecision(digits))
  if (Math.fround(shortest) !== float) return Number(float.toPrecision(maxDigits))
  while (--digits >= minDigits) {
    const shorter = Number(float.toPrecision(digits))
    if (Math.fround(shorter) !== float) break
    shortest = shorter
  }
  return shortest
}

/** [n] floats as 4·n bytes, whatever the order of this machine. */
export function littleEndianBytes(floats: Float32Array): Buffer {
  const bytes = Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength)
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32()
}

export type EncodingFormat = 'float' | 'base64'

/** A vector as the `embedding` field carries it. */
export function renderVector(vector: Float32Array, encoding: EncodingFormat): number[] | string {
  if (encoding === 'float') return Array.from(vector, wireFloat)
  checkFinite(vector)
  return littleEndianBytes(vector).toString('base64')
}

/** Throws RESULT_NOT_FINITE. */
export function checkFinite(vector: Float32Array): void {
  if (!vector.every(Number.isFinite)) throw notFinite()
}

function notFinite(): QvlError {
  return new QvlError('RESULT_NOT_FINITE', {
    what: 'The model computed a number that is not finite.',
    why: 'JSON has no NaN and no infinity, and nothing could be ranked by them.',
    do: 'Check that the checkpoint is complete and unchanged.',
  })
}
