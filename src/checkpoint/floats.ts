// Widens stored float formats to float32. Every value of bfloat16 and float16 is exact in float32.
//
// Tensors are little-endian, as is every processor that Node runs qvl on, so their bytes are viewed in place.

import type { TensorDtype } from './weights.js'

export const dtypeBytes = { F32: 4, F16: 2, BF16: 2 } as const satisfies Record<TensorDtype, number>

/** Writes `count` elements, stored from the start of `bytes`, to `out` at `outOffset`. `bytes` is aligned to 4. */
export function widen(dtype: TensorDtype, bytes: Uint8Array<ArrayBuffer>, out: Float32Array, outOffset: number): void {
  const count = bytes.byteLength / dtypeBytes[dtype]
  const target = new Uint32Array(out.buffer, out.byteOffset + outOffset * 4, count)
  switch (dtype) {
    case 'F32':
      target.set(new Uint32Array(bytes.buffer, bytes.byteOffset, count))
      break
    case 'BF16':
      widenBfloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, count), target)
      break
    case 'F16':
      widenFloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, count), target)
      break
    default:
      dtype satisfies never
  }
}

/** The index of the first NaN or infinity, or -1: an exponent of all ones. `bytes` is aligned to 4. */
export function indexOfNonFinite(dtype: TensorDtype, bytes: Uint8Array<ArrayBuffer>): number {
  const count = bytes.byteLength / dtypeBytes[dtype]
  const ones = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 }[dtype]
  const bits =
    dtype === 'F32'
      ? new Uint32Array(bytes.buffer, bytes.byteOffset, count)
      : new Uint16Array(bytes.buffer, bytes.byteOffset, count)
  for (let i = 0; i < count; i++) if ((bits[i]! & ones) === ones) return i
  return -1
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(from: Uint16Array, to: Uint32Array): void {
  for (let i = 0; i < from.length; i++) to[i] = from[i]! << 16
}

/** 1 sign, 5 exponent (bias 15) and 10 fraction bits to 1, 8 (bias 127) and 23. */
function widenFloat16(from: Uint16Array, to: Uint32Array): void {
  for (let i = 0; i < from.length; i++) {
    const half = from[i]!
    const sign = (half & 0x8000) << 16
    const exponent = (half >> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 0) to[i] = sign | subnormalBits(fraction)
    else if (exponent === 0x1f) to[i] = sign | 0x7f800000 | (fraction << 13)
    else to[i] = sign | ((exponent + 112) << 23) | (fraction << 13)
  }
}

/** The float32 bits of `fraction` · 2^-24, which is normal in float32 unless it is zero. */
function subnormalBits(fraction: number): number {
  if (fraction === 0) return 0
  const topBit = 31 - Math.clz32(fraction)
  return ((topBit - 24 + 127) << 23) | ((fraction << (23 - topBit)) & 0x7fffff)
}
