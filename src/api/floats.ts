// Vectors on the wire: a JSON list, base64, or bytes.

import { checkFinite } from './finite.js'
import { checkRange, type EmbedDtype, type Endianness, floatBytes } from './float-bytes.js'
import { floatsText } from './float-text.js'

export { checkFinite } from './finite.js'
export { littleEndianBytes } from './float-bytes.js'
export { wireFloat } from './float-text.js'

/** The formats of files. */
export type EncodingFormat = 'float' | 'base64'

/** How a request wants its vectors. */
export type VectorFormat =
  | { encoding: 'float' }
  | { encoding: 'base64' | 'bytes' | 'bytes_only'; dtype: EmbedDtype; endianness: Endianness }

/** A row of a matrix longer than this is cut; a multiple of 3, so that base64 can be joined. */
const bytesPerPiece = 48 * 1024

/** Throws RESULT_NOT_FINITE, and REQUEST_INVALID for a number that the format cannot hold. */
export function checkVector(vector: Float32Array, format: VectorFormat): void {
  if (format.encoding === 'float') checkFinite(vector)
  else checkRange(vector, format.dtype)
}

/** JSON text of a vector. It must have passed `checkVector`. */
export function* vectorText(vector: Float32Array, format: VectorFormat): Generator<string, void, undefined> {
  if (format.encoding === 'float') {
    yield `[${floatsText(vector)}]`
    return
  }
  const bytes = floatBytes(vector, format.dtype, format.endianness)
  yield '"'
  for (let start = 0; start < bytes.length; start += bytesPerPiece) {
    yield bytes.toString('base64', start, Math.min(start + bytesPerPiece, bytes.length))
  }
  yield '"'
}

/** A vector as a JSON value: numbers or a string. Throws what `checkVector` throws. */
export function renderVector(vector: Float32Array, format: VectorFormat): unknown {
  checkVector(vector, format)
  return JSON.parse([...vectorText(vector, format)].join(''))
}
