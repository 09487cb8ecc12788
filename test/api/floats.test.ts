import { describe, expect, it } from 'vitest'
import { floatsText } from '#qvl/api/float-text.js'
import { checkVector, littleEndianBytes, renderVector, wireFloat } from '#qvl/api/floats.js'
import { random } from '../support/random.js'

const numValues = 50_000

describe('wireFloat', () => {
  it.each([
    [0.1, '0.1'],
    [1 / 3, '0.33333334'],
    [0.6368980407714844, '0.63689804'],
    [16_777_216, '16777216'],
    [3.4028234663852886e38, '3.4028235e+38'],
    [-0, '0'],
    [1.17549435e-38, '1.1754944e-38'],
  ])('%d prints as %s', (value, text) => {
    expect(String(wireFloat(value))).toBe(text)
    expect(floatsText(Float32Array.of(value))).toBe(text)
  })

  it('gives every float32 back, in no more digits than needed', () => {
    for (const value of anyFloats(20_000)) {
      const wired = wireFloat(value)
      expect(Math.fround(wired)).toBe(value === 0 ? 0 : value)
      expect(significant(wired)).toBeLessThanOrEqual(9)
    }
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e39])('%d is an error', (value) => {
    const error = expect.objectContaining({ code: 'RESULT_NOT_FINITE' })
    expect(() => wireFloat(value)).toThrow(error)
    expect(() => floatsText(Float32Array.of(value))).toThrow(error)
    expect(() => checkVector(Float32Array.of(1, value), { encoding: 'float' })).toThrow(error)
    expect(() => renderVector(Float32Array.of(value), base64)).toThrow(error)
  })
})

describe('floatsText', () => {
  it.each([
    ['any bits', () => anyFloats(numValues)],
    ['numbers of a vector', () => floats((next) => ((next() / 2 ** 31 - 1) * 1) / 10 ** (next() % 7))],
    ['halves of powers of ten', () => floats((next) => ((next() % 4096) / 4096) * 10 ** (next() % 7))],
    ['few digits', () => floats((next) => ((next() % 1_000_000) / 1e6) * 10 ** (next() % 4))],
    ['powers of ten and their neighbours', neighbours],
  ])('prints as wireFloat does: %s', (_name, make) => {
    const values = make()
    const texts = floatsText(values).split(',')
    const wrong = Array.from(values, (value, index) => [texts[index], String(wireFloat(value))]).filter(
      ([fast, slow]) => fast !== slow,
    )
    expect(wrong).toEqual([])
    expect(texts).toHaveLength(values.length)
  })

  it('prints nothing for nothing', () => {
    expect(floatsText(new Float32Array())).toBe('')
  })
})

const base64 = { encoding: 'base64', dtype: 'float32', endianness: 'little' } as const

describe('bytes', () => {
  it('are little-endian float32', () => {
    const floats = new Float32Array([1, -2, 0.5]).subarray(1)
    expect(littleEndianBytes(floats).toString('hex')).toBe('000000c00000003f')
    expect(renderVector(floats, base64)).toBe('AAAAwAAAAD8=')
  })

  it('are the same base64 however long', () => {
    const values = anyFloats(100_001)
    expect(renderVector(values, base64)).toBe(littleEndianBytes(values).toString('base64'))
  })
})

function floats(make: (next: () => number) => number): Float32Array {
  const next = random(2)
  return Float32Array.from({ length: numValues }, () => make(next))
}

/** Finite, of every size. */
function anyFloats(length: number): Float32Array {
  const next = random(1)
  const bits = Uint32Array.from({ length }, () => next())
  return new Float32Array(bits.buffer).map((value) => (Number.isFinite(value) ? value : 0))
}

function neighbours(): Float32Array {
  const powers = Array.from({ length: 20 }, (_, index) => 10 ** (index - 10))
  const centre = Float32Array.from(powers.flatMap((power) => [power, -power, 9.9999995 * power, 0.99999994 * power]))
  const bits = new Uint32Array(centre.buffer)
  return new Float32Array(Uint32Array.from([...bits].flatMap((each) => [each - 1, each, each + 1])).buffer)
}

function significant(value: number): number {
  const [digits] = Math.abs(value).toExponential().split('e')
  return digits!.replace('.', '').length
}
