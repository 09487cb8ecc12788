// When requests are due.

import { describe, expect, it } from 'vitest'
import { planSchedule, type RateOptions } from '#qvl/bench/load/schedule.js'
import { NumpyRandomState } from '#qvl/bench/random/numpy-random-state.js'

const plan = (numRequests: number, options: Partial<RateOptions>) =>
  planSchedule(
    numRequests,
    { requestRate: Number.POSITIVE_INFINITY, burstiness: 1, rampUp: undefined, ...options },
    new NumpyRandomState(0),
  )

describe('planSchedule', () => {
  it('sends all at once at an infinite rate', () => {
    expect([...plan(3, {}).due]).toEqual([0, 0, 0])
  })

  it('is even at an infinite burstiness', () => {
    expect([...plan(4, { requestRate: 2, burstiness: Number.POSITIVE_INFINITY }).due]).toEqual([0.5, 1, 1.5, 2])
  })

  // numpy 2.4.6: np.random.seed(0); gaps = [np.random.gamma(shape, 1 / (10 * shape)) for _ in range(6)], cumulated and
  // stretched to end at 6 / 10.
  it.each<[number, number[]]>([
    [1, [0.08923298044886528, 0.23004719684526587, 0.33355843143627334, 0.421818960343244, 0.4836021921567499, 0.6]],
    [0.5, [0.08066061196975162, 0.1810271868470916, 0.22864939079711866, 0.27945532850057747, 0.512841256332648, 0.6]],
    [3, [0.1651460101522627, 0.24822052031457073, 0.4211829972505316, 0.4548555513771224, 0.5164334574728409, 0.6]],
  ])('draws the gaps of NumPy for burstiness %d', (burstiness, expected) => {
    const { due } = plan(6, { requestRate: 10, burstiness })
    for (const [index, seconds] of due.entries()) expect(Math.abs(seconds - expected[index]!)).toBeLessThan(1e-12)
    expect(due.at(-1)).toBeCloseTo(0.6, 12)
  })

  it.each<['linear' | 'exponential', number[]]>([
    ['linear', [1, 4, 7, 10, 13]],
    ['exponential', [1, 13 ** 0.25, 13 ** 0.5, 13 ** 0.75, 13]],
  ])('raises the rate: %s', (strategy, expected) => {
    const rampUp = { strategy, start: 1, end: 13 }
    const { due, rates } = plan(5, { rampUp, burstiness: Number.POSITIVE_INFINITY })
    expect([...rates]).toEqual(expected)
    let now = 0
    due.forEach((seconds, index) => {
      now += 1 / expected[index]!
      expect(seconds).toBeCloseTo(now, 12)
    })
  })

  it('can be for one request', () => {
    expect([...plan(1, { rampUp: { strategy: 'linear', start: 2, end: 4 } }).rates]).toEqual([2])
    expect(plan(1, { requestRate: 4 }).due[0]).toBeCloseTo(0.25, 12)
    expect(plan(0, { requestRate: 4 }).due).toHaveLength(0)
  })
})
