// Numbers made smaller: to the nearest, ties to even, checked by making them larger again.

import { describe, expect, it } from 'vitest'
import { widen } from '#qvl/checkpoint/floats.js'
import { narrowing } from '#qvl/devices/npu/narrow.js'
import { random } from '../../support/random.js'

const bytesOf = (numbers: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>) => new Uint8Array(numbers.buffer)

function halves(to: 'float16' | 'bfloat16', ...values: number[]): number[] | undefined {
  const bytes = narrowing('F32', to)(bytesOf(Float32Array.from(values)))
  return bytes && [...new Uint16Array(bytes.buffer)]
}

describe('float32 to float16', () => {
  it.each([
    ['0', 0, 0x0000],
    ['-0', -0, 0x8000],
    ['1', 1, 0x3c00],
    ['the largest', 65504, 0x7bff],
    ['just below the middle to what is too large', 65519.99, 0x7bff],
    ['the smallest normal number', 2 ** -14, 0x0400],
    ['the largest below the normal ones', 2 ** -14 - 2 ** -24, 0x03ff],
    ['between that and the normal ones', 2 ** -14 - 2 ** -26, 0x0400],
    ['the smallest', 2 ** -24, 0x0001],
    ['half of it, a tie to 0', 2 ** -25, 0x0000],
    ['more than half of it', 1.5 * 2 ** -25, 0x0001],
    ['one and a half of it, a tie to 2', 3 * 2 ** -25, 0x0002],
    ['less than any', 1e-30, 0x0000],
    ['a tie to even below', 1 + 2 ** -11, 0x3c00],
    ['a tie to even above', 1 + 3 * 2 ** -11, 0x3c02],
    ['a carry into the exponent', 2 - 2 ** -13, 0x4000],
    ['infinity', Number.NEGATIVE_INFINITY, 0xfc00],
  ])('%s', (_, value, bits) => {
    expect(halves('float16', value)).toEqual([bits])
  })

  it.each([65520, -1e6, 3e38])('%d is too large', (value) => {
    expect(halves('float16', 1, value)).toBeUndefined()
  })

  it('takes the nearest of all halves', () => {
    const all = Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits)
    const known = new Float32Array(all.length)
    widen('F16', bytesOf(all), known, 0)
    const next = random(7)
    for (let round = 0; round < 2000; round++) {
      const index = next() % (known.length - 1)
      const share = (next() % 1000) / 1000
      const value = Math.fround(known[index]! + share * (known[index + 1]! - known[index]!))
      const [bits] = halves('float16', value)!
      const error = Math.abs(known[bits!]! - value)
      expect(error).toBeLessThanOrEqual(Math.min(value - known[index]!, known[index + 1]! - value))
    }
  })
})

it('float32 to bfloat16', () => {
  expect(halves('bfloat16', 1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -2, Number.NaN)).toEqual([
    0x3f80, 0x3f80, 0x3f82, 0xc000, 0x7fc0,
  ])
  expect(halves('bfloat16', 3.4e38)).toBeUndefined()
})

it.each([
  ['F16', 'bfloat16'],
  ['BF16', 'float16'],
] as const)('%s to %s by a table is as by float32', (from, to) => {
  const stored = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)
  const wide = new Float32Array(stored.length)
  widen(from, bytesOf(stored), wide, 0)
  const [byTable, byNumber] = [narrowing(from, to), narrowing('F32', to)]
  for (const [bits, value] of wide.entries()) {
    if (bits % 7 !== 0) continue
    const expected = byNumber(bytesOf(Float32Array.of(value)))
    expect(byTable(bytesOf(Uint16Array.of(bits)))).toEqual(expected)
  }
})

it('leaves numbers of the same type alone', () => {
  const chunk = bytesOf(Uint16Array.of(0x7f80, 1, 2))
  expect(narrowing('BF16', 'bfloat16')(chunk)).toBe(chunk)
})
