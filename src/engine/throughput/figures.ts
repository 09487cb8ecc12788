// The rates that a throughput run comes to: for every run, and the median of the runs.

import type { ThroughputReport, ThroughputRun } from './throughput.js'

/** What is measured of one run. Rates of the device's own clock are there where the device has one. */
export interface Figures {
  seconds: number
  tokensPerSecond: number
  /** Without the tokens of shared prefixes, which are computed once. */
  computedTokensPerSecond: number
  requestsPerSecond: number
  /** Matrix products of linears and attention, over the time of the whole run. */
  gflops: number
  /** Matrix products of linears, over the time inside linears. */
  linearGflops?: number
  /** `gflops` and `linearGflops` as parts of the machine's peak. */
  share?: number
  linearShare?: number
  /** Parts of the device's time. */
  linearTime?: number
  attentionTime?: number
}

const figureNames = [
  'seconds',
  'tokensPerSecond',
  'computedTokensPerSecond',
  'requestsPerSecond',
  'gflops',
  'linearGflops',
  'share',
  'linearShare',
  'linearTime',
  'attentionTime',
] as const satisfies readonly (keyof Figures)[]

/** Each median is taken by itself. */
export function figuresOf(report: ThroughputReport): { runs: readonly Figures[]; median: Figures } {
  const runs = report.runs.map((run) => runFigures(run, report))
  return { runs, median: mediansOf(runs) }
}

function runFigures(run: ThroughputRun, { dataset, peakGflops }: ThroughputReport): Figures {
  const { seconds, promptTokens, computedTokens, flops, device } = run
  const gflops = (flops.linear + flops.attention) / seconds / 1e9
  const linearGflops = device && flops.linear / device.linearSeconds / 1e9
  return {
    seconds,
    tokensPerSecond: promptTokens / seconds,
    computedTokensPerSecond: computedTokens / seconds,
    requestsPerSecond: dataset.numRequests / seconds,
    gflops,
    ...(linearGflops !== undefined && { linearGflops }),
    ...(peakGflops !== undefined && { share: gflops / peakGflops }),
    ...(peakGflops !== undefined && linearGflops !== undefined && { linearShare: linearGflops / peakGflops }),
    ...(device && {
      linearTime: device.linearSeconds / device.totalSeconds,
      attentionTime: device.attentionSeconds / device.totalSeconds,
    }),
  }
}

function mediansOf(runs: readonly Figures[]): Figures {
  const [first] = runs
  if (first === undefined) throw new RangeError('the median of no runs')
  const medians = { ...first }
  for (const name of figureNames) {
    const values = runs.map((run) => run[name]).filter((value) => value !== undefined)
    if (values.length > 0) medians[name] = median(values)
  }
  return medians
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!
}
