// Bit patterns from IEEE 754 and from the definitions of bfloat16 and the two 8-bit formats (float8_e4m3fn, float8_e5m2).

import { describe, expect, it } from 'vitest'
import { bytesPerElement, checkRange, type EmbedDtype, floatBytes } from '#qvl/api/float-bytes.js'

const bitsOf = (value: number, dtype: EmbedDtype): string =>
  floatBytes(Float32Array.of(value), dtype, 'big').toString('hex')

describe('number types', () => {
  it.each([
    // value, float16, bfloat16, e4m3, e5m2
    [0, '0000', '0000', '00', '00'],
    [-0, '8000', '8000', '80', '80'],
    [1, '3c00', '3f80', '38', '3c'],
    [-1, 'bc00', 'bf80', 'b8', 'bc'],
    [0.5, '3800', '3f00', '30', '38'],
    [1.75, '3f00', '3fe0', '3e', '3f'],
    [448, '5f00', '43e0', '7e', '5f'],
    [1 / 3, '3555', '3eab', '2b', '35'],
    [0.1, '2e66', '3dcd', '1d', '2e'],
    [2 ** -9, '1800', '3b00', '01', '18'],
    [2 ** -10, '1400', '3a80', '00', '14'],
    [3 * 2 ** -10, '1a00', '3b40', '02', '1a'],
    [2 ** -16, '0100', '3780', '00', '01'],
    [2 ** -24, '0001', '3380', '00', '00'],
    [1.9999999, '4000', '4000', '40', '40'],
  ])('%d', (value, float16, bfloat16, e4m3, e5m2) => {
    expect({
      float16: bitsOf(value, 'float16'),
      bfloat16: bitsOf(value, 'bfloat16'),
      e4m3: bitsOf(value, 'fp8_e4m3'),
      e5m2: bitsOf(value, 'fp8_e5m2'),
    }).toEqual({ float16, bfloat16, e4m3, e5m2 })
  })

  it.each([
    ['float16', 65504, '7bff'],
    ['float16', 65519, '7bff'],
    ['bfloat16', 3.3895313892515355e38, '7f7f'],
    ['fp8_e4m3', 448, '7e'],
    ['fp8_e4m3', 463, '7e'],
    ['fp8_e5m2', 57344, '7b'],
  ] as const)('the largest %s: %d', (dtype, value, bits) => {
    checkRange(Float32Array.of(value), dtype)
    expect(bitsOf(value, dtype)).toBe(bits)
  })

  it.each(['float16', 'fp8_e4m3', 'fp8_e5m2', 'bfloat16'] as const)('%s refuses what it cannot hold', (dtype) => {
    expect(() => checkRange(Float32Array.of(0, -3.4e38), dtype)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    )
    expect(() => checkRange(Float32Array.of(Number.NaN), dtype)).toThrow(
      expect.objectContaining({ code: 'RESULT_NOT_FINITE' }),
    )
  })

  it.each([
    ['float16', 0x7bff, 10],
    ['bfloat16', 0x7f7f, 7],
    ['fp8_e4m3', 0x7e, 3],
    ['fp8_e5m2', 0x7b, 2],
  ] as const)('every number of %s, and every half between two', (dtype, maxBits, fractionBits) => {
    const numbers = Array.from({ length: maxBits + 1 }, (_, bits) => decode(bits, dtype, fractionBits))
    const halves = numbers.slice(1).map((number, index) => (number + numbers[index]!) / 2)
    const toEven = halves.map((_, bits) => bits + (bits & 1))
    expect(encoded(numbers, dtype)).toEqual(numbers.map((_, bits) => bits))
    expect(encoded(halves, dtype)).toEqual(toEven)
    expect(encoded(halves.map(above), dtype)).toEqual(halves.map((_, bits) => bits + 1))
  })
})

describe('byte orders', () => {
  it.each([
    ['float32', 'little', '0000803f000000c0'],
    ['float32', 'big', '3f800000c0000000'],
    ['float16', 'little', '003c00c0'],
    ['float16', 'big', '3c00c000'],
    ['fp8_e5m2', 'little', '3cc0'],
    ['fp8_e5m2', 'big', '3cc0'],
  ] as const)('%s %s', (dtype, endianness, hex) => {
    expect(floatBytes(Float32Array.of(1, -2), dtype, endianness).toString('hex')).toBe(hex)
  })

  it('native is that of this machine', () => {
    const floats = Float32Array.of(1, -2)
    expect(floatBytes(floats, 'float32', 'native')).toEqual(Buffer.from(floats.buffer))
    expect(floatBytes(floats, 'float16', 'native')).toEqual(Buffer.from(Uint16Array.of(0x3c00, 0xc000).buffer))
  })
})

function encoded(values: readonly number[], dtype: EmbedDtype): number[] {
  const bytes = floatBytes(Float32Array.from(values), dtype, 'big')
  const size = bytesPerElement(dtype)
  return values.map((_, index) => bytes.readUIntBE(index * size, size))
}

/** The next float32. */
function above(value: number): number {
  const float = Float32Array.of(value)
  const bits = new Uint32Array(float.buffer)
  bits[0] = bits[0]! + 1
  return float[0]!
}

/** A positive number from its bits, by the definition of IEEE 754. */
function decode(bits: number, dtype: 'float16' | 'bfloat16' | 'fp8_e4m3' | 'fp8_e5m2', fractionBits: number): number {
  const bias = { float16: 15, bfloat16: 127, fp8_e4m3: 7, fp8_e5m2: 15 }[dtype]
  const exponent = bits >> fractionBits
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits
  return exponent === 0 ? 2 ** (1 - bias) * fraction : 2 ** (exponent - bias) * (1 + fraction)
}
