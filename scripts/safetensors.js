// Writes a safetensors file: for constructed checkpoints and for tests.

import { writeFileSync } from 'node:fs'

/**
 * @param {string} file
 * @param {Record<string, { dtype: 'F32' | 'BF16', shape: number[], data: Float32Array }>} tensors
 */
export function writeSafetensors(file, tensors) {
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: { format: 'pt' } }
  const buffers = []
  let offset = 0
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const bytes = dtype === 'F32' ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : bfloat16(data)
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] }
    buffers.push(bytes)
    offset += bytes.length
  }
  // The format lets the header end in spaces, so that the data starts at a multiple of 8.
  const json = JSON.stringify(header)
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  writeFileSync(file, Buffer.concat([length, text, ...buffers]))
}

/** The upper half of each float32, rounded to nearest even. */
function bfloat16(/** @type {Float32Array} */ data) {
  const bits = new Uint32Array(data.slice().buffer)
  const halves = Uint16Array.from(bits, (value) => (value + 0x7fff + ((value >>> 16) & 1)) >>> 16)
  return Buffer.from(halves.buffer)
}
