// Float vectors as bytes, in the number types and byte orders of vLLM's `embed_dtype` and `endianness`.

import { endianness as nativeOrder } from 'node:os'
import { QvlError } from '../errors.js'
import { notFinite } from './finite.js'

export const embedDtypes = ['float32', 'float16', 'bfloat16', 'fp8_e4m3', 'fp8_e5m2'] as const
export type EmbedDtype = (typeof embedDtypes)[number]

export const endiannesses = ['native', 'big', 'little'] as const
export type Endianness = (typeof endiannesses)[number]

/** A float of fewer bits than float32: sign, exponent, fraction. */
interface SmallFloat {
  bytes: 1 | 2
  fractionBits: number
  /** Subtracted from the exponent's bits. */
  bias: number
  /** The largest finite number, and its bits. */
  max: number
  maxBits: number
}

/** As torch has them: float8_e4m3fn gives up infinity for one more power of two. */
const smallFloats: Readonly<Record<Exclude<EmbedDtype, 'float32'>, SmallFloat>> = {
  float16: { bytes: 2, fractionBits: 10, bias: 15, max: 65504, maxBits: 0x7bff },
  bfloat16: { bytes: 2, fractionBits: 7, bias: 127, max: 3.3895313892515355e38, maxBits: 0x7f7f },
  fp8_e4m3: { bytes: 1, fractionBits: 3, bias: 7, max: 448, maxBits: 0x7e },
  fp8_e5m2: { bytes: 1, fractionBits: 2, bias: 15, max: 57344, maxBits: 0x7b },
}

/** The layout of float32. */
const float32 = { fractionBits: 23, bias: 127, exponentMask: 0xff, fractionMask: 0x7fffff, hidden: 0x800000 } as const

/** [n] floats as n elements, back to back. The floats must have passed `checkRange`. */
export function floatBytes(floats: Float32Array, dtype: EmbedDtype, endianness: Endianness): Buffer {
  const big = endianness === 'big' || (endianness === 'native' && nativeOrder() === 'BE')
  if (dtype === 'float32') {
    const bytes = littleEndianBytes(floats)
    return big ? Buffer.from(bytes).swap32() : bytes
  }
  const format = smallFloats[dtype]
  const source = new Uint32Array(floats.buffer, floats.byteOffset, floats.length)
  const bytes = Buffer.allocUnsafe(source.length * format.bytes)
  for (let i = 0; i < source.length; i++) {
    const bits = smallFloatBits(source[i]!, format)
    if (format.bytes === 1) bytes[i] = bits
    else {
      bytes[2 * i + (big ? 1 : 0)] = bits & 0xff
      bytes[2 * i + (big ? 0 : 1)] = bits >> 8
    }
  }
  return bytes
}

/** [n] floats as 4·n bytes, whatever the order of this machine. */
export function littleEndianBytes(floats: Float32Array): Buffer {
  const bytes = Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength)
  return nativeOrder() === 'LE' ? bytes : Buffer.from(bytes).swap32()
}

export const bytesPerElement = (dtype: EmbedDtype): number => (dtype === 'float32' ? 4 : smallFloats[dtype].bytes)

/** Throws RESULT_NOT_FINITE, or REQUEST_INVALID where a number is too large for the type. */
export function checkRange(floats: Float32Array, dtype: EmbedDtype): void {
  const max = dtype === 'float32' ? Number.MAX_VALUE : largestRounded(smallFloats[dtype])
  for (let i = 0; i < floats.length; i++) {
    const value = floats[i]!
    if (Math.abs(value) <= max) continue
    throw Number.isFinite(value) ? outOfRange(dtype) : notFinite()
  }
}

/** Numbers up to half a step above the largest finite one round down to it. */
function largestRounded({ max, fractionBits }: SmallFloat): number {
  const step = 2 ** (Math.floor(Math.log2(max)) - fractionBits)
  return max + step / 2
}

function outOfRange(dtype: EmbedDtype): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: `The vector has a number that is too large for ${dtype}.`,
    why: 'Without normalisation its numbers can be large.',
    do: 'Leave use_activation out, or ask for float32.',
    param: 'embed_dtype',
  })
}

/** The bits of the number nearest to a float32; of two equally near, the one with an even fraction. */
function smallFloatBits(bits: number, { bytes, fractionBits, bias, maxBits }: SmallFloat): number {
  const sign = (bits >>> 31) << (8 * bytes - 1)
  const exponentField = (bits >>> float32.fractionBits) & float32.exponentMask
  const fraction = (bits & float32.fractionMask) | (exponentField > 0 ? float32.hidden : 0)
  const exponent = Math.max(exponentField, 1) - float32.bias + bias
  const dropped = float32.fractionBits - fractionBits
  // From 1 on the format has the exponent, and the hidden bit adds one to it; below, the fraction moves to the right.
  const size =
    exponent >= 1
      ? roundedShift((exponent - 1) * float32.hidden + fraction, dropped)
      : roundedShift(fraction, dropped + 1 - exponent)
  // Rounding up to a power of two carries into the exponent, at the largest number into what is no number any more.
  return sign | Math.min(size, maxBits)
}

/** value / 2^by to the nearest whole number, a half to the even one. `value` is below 2³¹. */
function roundedShift(value: number, by: number): number {
  // A fraction has 24 bits: less than half of 2^25.
  if (by > float32.fractionBits + 1) return 0
  const shifted = value >> by
  const half = 1 << (by - 1)
  const rest = value & (2 * half - 1)
  return rest > half || (rest === half && (shifted & 1) === 1) ? shifted + 1 : shifted
}
