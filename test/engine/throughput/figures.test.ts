// Rates and medians from what was counted and timed.

import { describe, expect, it } from 'vitest'
import { figuresOf, median } from '#qvl/engine/throughput/figures.js'
import { exampleReport } from './example-report.js'

describe('median', () => {
  it.each<[number[], number]>([
    [[3], 3],
    [[3, 1], 2],
    [[9, 1, 3], 3],
    [[10, 9, 1, 2], 5.5],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })
})

describe('figuresOf', () => {
  it('takes rates over the run, and over the time in linears', () => {
    const { runs, median: middle } = figuresOf(exampleReport())
    expect(runs[0]).toEqual({
      seconds: 2,
      tokensPerSecond: 500,
      computedTokensPerSecond: 400,
      requestsPerSecond: 2,
      gflops: 55,
      linearGflops: 100,
      share: 0.275,
      linearShare: 0.5,
      linearTime: 0.625,
      attentionTime: 0.25,
    })
    expect(runs.map(({ tokensPerSecond }) => tokensPerSecond)).toEqual([500, 1000, 250])
    expect(middle.tokensPerSecond).toBe(500)
    expect(middle.seconds).toBe(2)
  })

  it('leaves out what the device does not measure', () => {
    const { peakGflops: _, runs, ...rest } = exampleReport()
    const { median: middle } = figuresOf({ ...rest, runs: runs.map(({ device: __, ...run }) => run) })
    expect(Object.keys(middle)).toEqual([
      'seconds',
      'tokensPerSecond',
      'computedTokensPerSecond',
      'requestsPerSecond',
      'gflops',
    ])
  })
})
