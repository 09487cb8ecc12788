// NumPy's .npy format, version 1.0: one float32 row for each input line.

import { littleEndianBytes } from '../api/floats.js'

/**
 * Bytes before the first row. The format asks for a multiple of 64; this much fits any shape, so that the number of
 * rows can be written over the header when it is known.
 */
export const npyHeaderBytes = 128

/** The header of a `[rows, width]` array (numpy/lib/format.py). */
export function npyHeader(rows: number, width: number): Buffer {
  const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1')
  const length = Buffer.alloc(2)
  const textBytes = npyHeaderBytes - magic.length - length.length
  length.writeUInt16LE(textBytes)
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`
  return Buffer.concat([magic, length, Buffer.from(`${dictionary.padEnd(textBytes - 1)}\n`, 'latin1')])
}

export const npyRow = (vector: Float32Array): Buffer => littleEndianBytes(vector)

/** The row of a line that could not be answered. */
export const npyMissingRow = (width: number): Buffer => littleEndianBytes(new Float32Array(width).fill(Number.NaN))
