import { describe, expect, it } from 'vitest'
import { littleEndianBytes, renderVector, wireFloat } from '#qvl/api/floats.js'
import { random } from '../support/random.js'

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
  })

  it('gives every float32 back, in no more digits than needed', () => {
    const next = random(1)
    const bits = new Uint32Array(1)
    const float = new Float32Array(bits.buffer)
    for (let i = 0; i < 20_000; i++) {
      bits[0] = next()
      const value = float[0]!
      if (!Number.isFinite(value)) continue
      const wired = wireFloat(value)
      expect(Math.fround(wired)).toBe(value === 0 ? 0 : value)
      expect(significant(wired)).toBeLessThanOrEqual(9)
    }
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e39])('%d is an error', (value) => {
    expect(() => wireFloat(value)).toThrow(expect.objectContaining({ code: 'RESULT_NOT_FINITE' }))
    expect(() => renderVector(new Float32Array([value]), 'base64')).toThrow(
      expect.objectContaining({ code: 'RESULT_NOT_FINITE' }),
    )
  })
})

describe('bytes', () => {
  it('are little-endian float32', () => {
    const floats = new Float32Array([1, -2, 0.5]).subarray(1)
    expect(littleEndianBytes(floats).toString('hex')).toBe('000000c00000003f')
    expect(renderVector(floats, 'base64')).toBe('AAAAwAAAAD8=')
  })
})

function significant(value: number): number {
  const [digits] = Math.abs(value).toExponential().split('e')
  return digits!.replace('.', '').length
}
