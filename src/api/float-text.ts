// Prints float32 numbers: the shortest decimals that read back as the same float32.

import { notFinite } from './finite.js'

/** Decimals with up to 6 digits always survive float32, most floats need 8, and 9 always suffice (IEEE 754, binary32). */
const minDigits = 6
const firstDigits = 8
const maxDigits = 9

/** Outside of these, `String` of a number uses an exponent or this printer would need more digits: that way is slow. */
const minFast = 1e-6
const maxFast = 1e6
/** Powers of ten are exact doubles up to 10²², so that a product or quotient with one is rounded only once. */
const powers = Float64Array.from({ length: 23 }, (_, exponent) => 10 ** exponent)
/** A product this close to a half may be rounded to the wrong side of it: 10⁹ · 2⁻⁵² is far below. */
const tie = 1e-5
/** "-0.0000012345678," and the longest of `String`: "-1.2345678e-38,". */
const maxLength = 24

const zero = 0x30
const minus = 0x2d
const point = 0x2e
const comma = 0x2c

/**
 * The number that prints as the shortest decimal which reads back as the same float32. vLLM widens to double, which
 * prints 17 digits of which the last 9 say nothing: the same vector in half the bytes.
 * Throws RESULT_NOT_FINITE, because JSON has no NaN and no infinity.
 */
export function wireFloat(value: number): number {
  const float = Math.fround(value)
  if (!Number.isFinite(float)) throw notFinite()
  let digits = firstDigits
  let shortest = Number(float.toPrecision(digits))
  if (Math.fround(shortest) !== float) return Number(float.toPrecision(maxDigits))
  while (--digits >= minDigits) {
    const shorter = Number(float.toPrecision(digits))
    if (Math.fround(shorter) !== float) break
    shortest = shorter
  }
  return shortest
}

/**
 * Numbers with commas between, each as `String(wireFloat(number))` is, and five times as fast: a vector of 4096 must not
 * hold up a server. Throws RESULT_NOT_FINITE.
 */
export function floatsText(floats: Float32Array): string {
  const bytes = Buffer.allocUnsafe(floats.length * maxLength)
  let end = 0
  for (let i = 0; i < floats.length; i++) {
    if (i > 0) bytes[end++] = comma
    end = writeFloat(floats[i]!, bytes, end)
  }
  return bytes.toString('latin1', 0, end)
}

/** All `write` functions return the position after the number. */
function writeFloat(value: number, bytes: Buffer, start: number): number {
  const size = Math.abs(value)
  if (!(size >= minFast && size < maxFast)) return writeSlowly(value, bytes, start)
  let scale = firstDigits - 1 - decimalExponent(size)
  let digits = roundedProduct(size, scale)
  if (!readsBack(size, digits, scale)) {
    scale++
    digits = roundedProduct(size, scale)
  } else {
    for (let numDigits = firstDigits; numDigits > minDigits && digits >= 0; numDigits--) {
      const fewer = roundedProduct(size, scale - 1)
      if (fewer >= 0 && !readsBack(size, fewer, scale - 1)) break
      digits = fewer
      scale--
    }
  }
  if (digits < 0) return writeSlowly(value, bytes, start)
  if (value < 0) bytes[start++] = minus
  return writeDecimal(digits, scale, bytes, start)
}

const readsBack = (size: number, digits: number, scale: number): boolean =>
  digits < 0 || Math.fround(digits / powers[scale]!) === size

/** `size` · 10^scale to the nearest whole number, or -1 where the nearest is not certain. */
function roundedProduct(size: number, scale: number): number {
  const product = size * powers[scale]!
  const floor = Math.floor(product)
  const rest = product - floor
  if (Math.abs(rest - 0.5) < tie) return -1
  return rest < 0.5 ? floor : floor + 1
}

/** floor(log10(size)) between the bounds. No float32 lies between a negative power of ten and its double. */
function decimalExponent(size: number): number {
  let exponent = 0
  if (size >= 1) {
    while (size >= powers[exponent + 1]!) exponent++
    return exponent
  }
  while (size * powers[-exponent]! < 1) exponent--
  return exponent
}

/** digits / 10^scale, without zeros at its end. */
function writeDecimal(digits: number, scale: number, bytes: Buffer, start: number): number {
  while (scale > 0 && digits % 10 === 0) {
    digits /= 10
    scale--
  }
  const whole = scale > 0 ? Math.floor(digits / powers[scale]!) : digits
  const end = start + numDigitsOf(whole) + (scale > 0 ? scale + 1 : 0)
  let at = end
  let rest = digits
  if (scale > 0) {
    for (let i = 0; i < scale; i++) {
      bytes[--at] = zero + (rest % 10)
      rest = (rest / 10) | 0
    }
    bytes[--at] = point
  }
  do {
    bytes[--at] = zero + (rest % 10)
    rest = (rest / 10) | 0
  } while (rest > 0)
  return end
}

function numDigitsOf(whole: number): number {
  let numDigits = 1
  while (whole >= powers[numDigits]!) numDigits++
  return numDigits
}

const writeSlowly = (value: number, bytes: Buffer, start: number): number =>
  start + bytes.write(String(wireFloat(value)), start, 'latin1')
