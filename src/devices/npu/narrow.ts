// Turns stored numbers into the type that is computed in: to the nearest, ties to even.

import { dtypeBytes, widen } from '../../checkpoint/floats.js'
import type { TensorDtype } from '../../checkpoint/weights.js'
import { type Products, storedType } from './weight-places.js'

/** Bytes of `chunk` (aligned to 4) in another type. Undefined where a finite number is too large for it. */
export type Narrow = (chunk: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | undefined

export function narrowing(from: TensorDtype, to: Products): Narrow {
  if (storedType[from] === to) return (chunk) => chunk
  const widened = (chunk: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> => {
    const numbers = new Float32Array(chunk.length / dtypeBytes[from])
    widen(from, chunk, numbers, 0)
    return numbers
  }
  if (to === 'float32') return (chunk) => new Uint8Array(widened(chunk).buffer)
  if (from === 'F32') return (chunk) => narrowAll(widened(chunk), to)
  const table = halfTable(widened, to)
  return (chunk) => {
    const stored = new Uint16Array(chunk.buffer, chunk.byteOffset, chunk.length / 2)
    const halves = new Uint16Array(stored.length)
    for (let i = 0; i < stored.length; i++) {
      const half = table[stored[i]!]!
      if (half === tooLarge) return undefined
      halves[i] = half
    }
    return new Uint8Array(halves.buffer)
  }
}

/** Beyond 16 bits, so no half. */
const tooLarge = 0x10000

/** What each of the 65,536 halves becomes. */
function halfTable(widened: (chunk: Uint8Array<ArrayBuffer>) => Float32Array, to: Half): Uint32Array {
  const all = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)
  return Uint32Array.from(widened(new Uint8Array(all.buffer)), narrower(to))
}

type Half = Exclude<Products, 'float32'>

function narrowAll(numbers: Float32Array, to: Half): Uint8Array<ArrayBuffer> | undefined {
  const narrow = narrower(to)
  const halves = new Uint16Array(numbers.length)
  for (let i = 0; i < numbers.length; i++) {
    const half = narrow(numbers[i]!)
    if (half === tooLarge) return undefined
    halves[i] = half
  }
  return new Uint8Array(halves.buffer)
}

function narrower(to: Half): (value: number) => number {
  const float = new Float32Array(1)
  const bits = new Uint32Array(float.buffer)
  const narrow = to === 'float16' ? float16Bits : bfloat16Bits
  const infinity = to === 'float16' ? 0x7c00 : 0x7f80
  return (value) => {
    float[0] = value
    const half = narrow(bits[0]!)
    return Number.isFinite(value) && (half & infinity) === infinity ? tooLarge : half
  }
}

/** The upper half of a float32, rounded. */
function bfloat16Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

/** 1, 8 (bias 127) and 23 bits to 1, 5 (bias 15) and 10. */
function float16Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude === 0x7f800000) return sign | 0x7c00
  const exponent = (magnitude >>> 23) - 112
  if (exponent > 30) return sign | 0x7c00
  const fraction = (magnitude & 0x7fffff) | 0x800000
  // Below the normal numbers, of which the smallest has exponent 1, fractions lose a bit for each step.
  const dropped = exponent >= 1 ? 13 : 14 - exponent
  if (dropped > 24) return sign
  const kept = (fraction >>> dropped) & (exponent >= 1 ? 0x3ff : 0x7ff)
  const rest = fraction & ((1 << dropped) - 1)
  const middle = 1 << (dropped - 1)
  const up = rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0
  // A carry out of the fraction is the next exponent, as it should be.
  return sign | (((exponent >= 1 ? exponent << 10 : 0) + kept + up) & 0x7fff)
}
