// Numbers and texts as NumPy and Python make them.

import { describe, expect, it } from 'vitest'
import { fixed2, floatRepr, PythonFloat, type PythonValue, pythonJson, pythonRepr } from '#qvl/bench/python.js'
import { percentile, summarise } from '#qvl/bench/statistics.js'

describe('statistics', () => {
  // numpy 2.4.6: mean, median, std and percentile of this list.
  const values = Float64Array.of(3.25, 1.5, 10.125, 7.75, 2, 99.5, 0.1)

  it('equal those of NumPy', () => {
    const { mean, median, std, percentiles } = summarise(values, [0, 25, 50, 90, 99, 99.9, 100])
    expect(percentiles.map(({ value }) => value)).toEqual([
      0.1, 1.75, 3.25, 45.87500000000003, 94.13749999999996, 98.96375000000006, 99.5,
    ])
    expect(median).toBe(3.25)
    expect(mean).toBeCloseTo(17.74642857142857, 12)
    expect(std).toBeCloseTo(33.541233761519536, 12)
  })

  it.each<[number[], number, number]>([
    [[5], 99, 5],
    [[1, 2], 50, 1.5],
    [[1, 2, 3, 4], 75, 3.25],
    [[1, 2, 3, 4], 100, 4],
  ])('percentile of %j at %d', (sorted, p, expected) => {
    expect(percentile(Float64Array.from(sorted), p)).toBe(expected)
  })

  it('are zero without values, as in vLLM', () => {
    const nothing = summarise(new Float64Array(0), [99])
    expect(nothing).toEqual({ mean: 0, median: 0, std: 0, percentiles: [{ p: 99, value: 0 }] })
  })

  it('keep their accuracy over many values', () => {
    const { mean, std } = summarise(new Float64Array(1_000_003).fill(0.1), [])
    expect(Math.abs(mean - 0.1)).toBeLessThan(1e-15)
    expect(std).toBeLessThan(1e-14)
  })
})

describe('Python', () => {
  it.each<[number, string]>([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-2.5, '-2.5'],
    [0.1, '0.1'],
    [1e-4, '0.0001'],
    [1e-5, '1e-05'],
    [1.5e-7, '1.5e-07'],
    [123456.789, '123456.789'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.2345e22, '1.2345e+22'],
    [5e-324, '5e-324'],
    [1e100, '1e+100'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    [Number.NaN, 'nan'],
  ])('repr(%d)', (value, expected) => {
    expect(floatRepr(value)).toBe(expected)
  })

  // format(value, '.2f') of Python 3.
  it.each<[number, string]>([
    [0.125, '0.12'],
    [0.375, '0.38'],
    [0.625, '0.62'],
    [2.5, '2.50'],
    [1.005, '1.00'],
    [7474.635, '7474.64'],
    [7474.625, '7474.62'],
    [0, '0.00'],
    [19351.23, '19351.23'],
  ])('.2f of %d', (value, expected) => {
    expect(fixed2(value)).toBe(expected)
  })

  it.each<[PythonValue, string, string]>([
    [null, 'null', 'None'],
    [true, 'true', 'True'],
    [3, '3', '3'],
    [new PythonFloat(3), '3.0', '3.0'],
    [new PythonFloat(Number.POSITIVE_INFINITY), 'Infinity', 'inf'],
    ['a"b', '"a\\"b"', `'a"b'`],
    ["it's", '"it\'s"', `"it's"`],
    [`it's "so"`, '"it\'s \\"so\\""', `'it\\'s "so"'`],
    ['é\n漢😀', '"\\u00e9\\n\\u6f22\\ud83d\\ude00"', "'é\\n漢😀'"],
    [[1, 'a', []], '[1, "a", []]', "[1, 'a', []]"],
    [{ a: 1, b: [new PythonFloat(0.5)] }, '{"a": 1, "b": [0.5]}', "{'a': 1, 'b': [0.5]}"],
  ])('%j', (value, json, repr) => {
    expect(pythonJson(value)).toBe(json)
    expect(pythonRepr(value)).toBe(repr)
  })
})
