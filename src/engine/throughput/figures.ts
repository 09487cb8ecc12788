// The rates that a throughput run comes to: for every run, and the median of the runs.

import type { Parts, ThroughputRun, TowerWork } from './measure-run.js'
import type { Work } from './meter.js'
import type { ThroughputReport } from './throughput.js'

/** Of one program, where the device measures it: rates over the time inside linears and inside attention. */
export interface ProgramFigures {
  linearGflops?: number
  attentionGflops?: number
  /** Both as parts of the machine's peak. */
  linearShare?: number
  attentionShare?: number
  /** Parts of the program's time. */
  linearTime?: number
  attentionTime?: number
}

export interface TowerFigures extends ProgramFigures {
  /** On the device's clock. */
  secondsPerImage?: number
}

/** Of pairs of an image and documents: their time over that of the documents with a query of text and of the image alone. */
export interface CostFigures {
  ratio: number
  documentsSeconds: number
  imageSeconds: number
}

/** What is measured of one run. Those of a program are of the decoder; the vision tower's stand apart. */
export interface Figures extends ProgramFigures {
  seconds: number
  tokensPerSecond: number
  /** Without the tokens of shared prefixes, which are computed once. */
  computedTokensPerSecond: number
  requestsPerSecond: number
  /** Matrix products of linears and attention, the tower's too, over the time of the whole run. */
  gflops: number
  /** The same as part of the machine's peak. */
  share?: number
  tower?: TowerFigures
  cost?: CostFigures
}

const programNames = [
  'linearGflops',
  'attentionGflops',
  'linearShare',
  'attentionShare',
  'linearTime',
  'attentionTime',
] as const satisfies readonly (keyof ProgramFigures)[]

const ownNames = [
  'seconds',
  'tokensPerSecond',
  'computedTokensPerSecond',
  'requestsPerSecond',
  'gflops',
  'share',
] as const satisfies readonly (keyof Figures)[]

const costNames = ['ratio', 'documentsSeconds', 'imageSeconds'] as const satisfies readonly (keyof CostFigures)[]

/** Each median is taken by itself. */
export function figuresOf(report: ThroughputReport): { runs: readonly Figures[]; median: Figures } {
  const runs = report.runs.map((run) => runFigures(run, report))
  const [first] = runs
  if (first === undefined) throw new RangeError('the median of no runs')
  const towers = runs.flatMap(({ tower }) => tower ?? [])
  const costs = runs.flatMap(({ cost }) => cost ?? [])
  const median: Figures = {
    ...first,
    ...mediansOf(runs, [...ownNames, ...programNames]),
    ...(first.tower && { tower: { ...first.tower, ...mediansOf(towers, ['secondsPerImage', ...programNames]) } }),
    ...(first.cost && { cost: { ...first.cost, ...mediansOf(costs, costNames) } }),
  }
  return { runs, median }
}

function runFigures(run: ThroughputRun, { dataset, peakGflops, towerPeakGflops }: ThroughputReport): Figures {
  const { seconds, promptTokens, computedTokens, tower } = run
  const gflops = (productsOf(run) + (tower === undefined ? 0 : productsOf(tower))) / seconds / 1e9
  return {
    seconds,
    tokensPerSecond: promptTokens / seconds,
    computedTokensPerSecond: computedTokens / seconds,
    requestsPerSecond: dataset.numRequests / seconds,
    gflops,
    ...(peakGflops !== undefined && { share: gflops / peakGflops }),
    ...programFigures(run, peakGflops),
    ...(tower && { tower: towerFigures(tower, towerPeakGflops) }),
    ...(run.parts && { cost: costFigures(seconds, run.parts) }),
  }
}

const productsOf = ({ flops }: Work): number => flops.linear + flops.attention

function programFigures({ flops, device }: Work, peakGflops: number | undefined): ProgramFigures {
  if (device === undefined) return {}
  const { linearSeconds, attentionSeconds, totalSeconds } = device
  const linearGflops = flops.linear / linearSeconds / 1e9
  const attentionGflops = flops.attention / attentionSeconds / 1e9
  return {
    linearGflops,
    attentionGflops,
    ...(peakGflops !== undefined && {
      linearShare: linearGflops / peakGflops,
      attentionShare: attentionGflops / peakGflops,
    }),
    linearTime: linearSeconds / totalSeconds,
    attentionTime: attentionSeconds / totalSeconds,
  }
}

const towerFigures = (tower: TowerWork, peakGflops: number | undefined): TowerFigures => ({
  ...(tower.device && { secondsPerImage: tower.device.totalSeconds / tower.images }),
  ...programFigures(tower, peakGflops),
})

const costFigures = (seconds: number, { documents, images }: Parts): CostFigures => ({
  ratio: seconds / (documents + images),
  documentsSeconds: documents,
  imageSeconds: images,
})

type Named<Name extends string> = { [Key in Name]?: number }

/** A figure that a run lacks is left out. */
function mediansOf<Name extends string>(runs: readonly Named<Name>[], names: readonly Name[]): Named<Name> {
  const medians: Named<Name> = {}
  for (const name of names) {
    const values = runs.flatMap((run) => run[name] ?? [])
    if (values.length > 0) medians[name] = median(values)
  }
  return medians
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!
}
