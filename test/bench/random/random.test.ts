import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { NumpyGenerator } from '#qvl/bench/random/numpy-generator.js'
import { NumpyRandomState } from '#qvl/bench/random/numpy-random-state.js'
import { PythonRandom } from '#qvl/bench/random/python-random.js'
import { seedWords } from '#qvl/bench/random/seed-sequence.js'

/**
 * Made with NumPy 2.4.6 and CPython 3.11. Each entry of `generator`, `legacy` and `python` is one seed, and its draws
 * follow one another in the order in which the tests make them.
 */
const values: Values = JSON.parse(readFileSync(join(import.meta.dirname, 'values.json'), 'utf8'))

interface Values {
  generator: Record<string, GeneratorDraws>
  legacy: Record<string, LegacyDraws>
  python: Record<string, { shuffle: number[]; choice: number[]; big: number[] }>
}

type GeneratorDraws = Record<
  'words' | 'vocab' | 'one' | 'dice' | 'random' | 'scalar' | 'wide' | 'reject' | 'bytes' | 'after' | 'choice',
  number[]
> & { millionth: number; sum: number }

type GammaDraws = [shape: number, scale: number, draws: number[]]
type LegacyDraws = Record<'randint' | 'pow2' | 'one' | 'next', number[]> &
  Record<'poisson' | 'bursty' | 'even' | 'half' | 'two', GammaDraws> & { sum1000: number; sumsmall: number }

const bySeed = <T>(table: Record<string, T>): [seed: number, expected: T][] =>
  Object.entries(table).map(([seed, expected]) => [Number(seed), expected])

const times = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw)

/** V8 and NumPy's C library may differ in the last bit of a logarithm or a power. */
function expectClose(drawn: readonly number[], expected: readonly number[]): void {
  expect(drawn).toHaveLength(expected.length)
  for (const [i, value] of expected.entries()) expect(Math.abs(drawn[i]! / value - 1)).toBeLessThan(1e-14)
}

describe.each(bySeed(values.generator))('default_rng(%i)', (seed, expected) => {
  it('seeds from the same words', () => {
    expect([...seedWords(seed, 8)]).toEqual(expected.words)
  })

  it('draws integers, doubles, bytes and choices from one stream', () => {
    const random = new NumpyGenerator(seed)
    expect(random.integers(0, 151_643, 8)).toEqual(expected.vocab)
    expect(random.integers(7, 8, 2)).toEqual(expected.one)
    expect(random.integers(1, 7, 5)).toEqual(expected.dice)
    expect(times(3, () => random.random())).toEqual(expected.random)
    expect(times(5, () => random.integer(0, 2))).toEqual(expected.scalar)
    expect(random.integers(0, 2 ** 32 - 1, 3)).toEqual(expected.wide)
    // A quarter of all words is rejected for this range.
    expect(random.integers(0, 3 * 2 ** 30, 6)).toEqual(expected.reject)
    expect([...random.bytes(9)]).toEqual(expected.bytes)
    expect(random.integers(0, 1000, 3)).toEqual(expected.after)
    expect(times(10, () => random.choice([0.5, 0.3, 0.2]))).toEqual(expected.choice)
  })

  it('is the same after a million draws', () => {
    const draws = new NumpyGenerator(seed).integers(0, 151_643, 1_000_001)
    expect(draws.at(-1)).toBe(expected.millionth)
    expect(draws.reduce((sum, draw) => sum + draw)).toBe(expected.sum)
  })
})

describe.each(bySeed(values.legacy))('np.random.seed(%i)', (seed, expected) => {
  it('draws integers', () => {
    const random = new NumpyRandomState(seed)
    expect(random.integers(151_643, 8)).toEqual(expected.randint)
    expect(random.integers(1024, 4)).toEqual(expected.pow2)
    expect(random.integers(1, 2)).toEqual(expected.one)
    expect(random.integers(100, 3)).toEqual(expected.next)
  })

  it.each(['poisson', 'bursty', 'even', 'half', 'two'] as const)('draws gaps: %s', (name) => {
    const [shape, scale, draws] = expected[name]
    const random = new NumpyRandomState(seed)
    expectClose(
      draws.map(() => random.gamma(shape, scale)),
      draws,
    )
  })

  it.each([
    [3.7, 0.02, expected.sum1000],
    [0.2, 1.5, expected.sumsmall],
  ])('draws a thousand gaps of shape %d', (shape, scale, sum) => {
    const random = new NumpyRandomState(seed)
    expectClose([times(1000, () => random.gamma(shape, scale)).reduce((total, gap) => total + gap)], [sum])
  })
})

describe.each(bySeed(values.python))('random.seed(%i)', (seed, expected) => {
  it('shuffles and chooses', () => {
    const random = new PythonRandom(seed)
    const items = [...Array(20).keys()]
    random.shuffle(items)
    expect(items).toEqual(expected.shuffle)
    const thousand = [...Array(1000).keys()]
    expect(times(8, () => random.choice(thousand))).toEqual(expected.choice)
    const many = [...Array(5000).keys()]
    random.shuffle(many)
    expect([many[0], many[1], many[2500], many[4999]]).toEqual(expected.big)
  })
})
