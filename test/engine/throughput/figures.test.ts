// Rates and medians from what was counted and timed.

import { describe, expect, it } from 'vitest'
import { figuresOf, median } from '#qvl/engine/throughput/figures.js'
import { exampleImageReport, exampleReport } from './example-report.js'

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
      attentionGflops: 25,
      share: 0.275,
      linearShare: 0.5,
      attentionShare: 0.125,
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

  it('has the tower and the cost of an image beside the decoder', () => {
    const report = exampleImageReport()
    const { runs, median: middle } = figuresOf(report)
    // The tower's products count for the whole run: 100 + 10 + 40 + 20, in two seconds.
    expect(runs[0]!.gflops).toBe(85)
    expect(runs[0]!.tower).toEqual({
      secondsPerImage: 0.5,
      linearGflops: 80,
      attentionGflops: 80,
      linearShare: 0.4,
      attentionShare: 0.4,
      linearTime: 0.5,
      attentionTime: 0.25,
    })
    expect(runs[0]!.cost).toEqual({ ratio: 1.25, documentsSeconds: 1, imageSeconds: 0.6 })
    expect(middle.cost).toEqual({ ratio: 1.25, documentsSeconds: 1, imageSeconds: 0.6 })
    expect(middle.tower!.secondsPerImage).toBe(0.5)
  })
})
