// Measures how fast a device computes a model: the queue and the device alone, without prompts, tokenizer or HTTP.

import type { Arithmetic, DeviceName } from '../../devices/device.js'
import { chooseDevice, openDevice } from '../../devices/open-device.js'
import { QvlError } from '../../errors.js'
import type { EngineOptions } from '../options.js'
import type { Sequence } from '../requests.js'
import { type Dataset, imageTokensOf, makeRequests } from './datasets.js'
import { type LoadedPrograms, type LoadSeconds, loadTwice } from './load-programs.js'
import { type Measured, measureParts, measureRun, type ThroughputRun } from './measure-run.js'
import { type MeasuredModel, openMeasuredModel } from './measured-model.js'
import { NoiseImages } from './noise-images.js'
import { peakMemory } from './peak-memory.js'
import { temporaryFolder } from './temporary-folder.js'

export interface ThroughputOptions
  extends Omit<EngineOptions, 'maxModelLen' | 'convert' | 'chatTemplate' | 'specialTokensInText'> {
  /** `model` is a config.json, or a folder with one, and its weights are random. */
  dummyWeights: boolean
  dataset: Dataset
  /** Of token ids and random weights. */
  seed: number
  /** Requests computed before the clock starts. */
  numWarmups: number
  /** At least 1. */
  numRuns: number
  onRun?: ((run: ThroughputRun) => void) | undefined
}

export interface ThroughputReport {
  model: string
  dummyWeights: boolean
  dataset: Dataset
  numSequences: number
  device: DeviceName
  arithmetic: Arithmetic
  prefixCaching: boolean
  loadSeconds: LoadSeconds
  /** Most that a loop in registers reached, if the device can tell: GFLOP/s, GOP/s for int8. */
  peakGflops?: number
  /** The same in the number type of the vision tower, where there is one. */
  towerPeakGflops?: number
  /** Bytes. */
  memory: { peak: number; packedWeights?: number }
  runs: readonly ThroughputRun[]
}

/** Long enough for the clock rate to settle, short beside a run. */
const peakSeconds = 0.5

/** Throws what openEngine throws for model and device, and USAGE for sequences longer than the model's limit. */
export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputReport> {
  const { model: name, dummyWeights, dataset, enablePrefixCaching: prefixCaching = true } = options
  const warn = (message: string): void => options.warn?.(message)
  const device = await openDevice(chooseDevice(options.device ?? 'auto', warn), { count: options.dataParallelSize })
  await using _device = { [Symbol.asyncDispose]: async () => device.close?.() }
  await using folder = await temporaryFolder()
  const opened = await openMeasuredModel({
    ...options,
    folder: folder.path,
    images: imageTokensOf(dataset) !== undefined,
  })
  const { requests, noise } = requestsFor(opened, options)
  const { model, dtype, fingerprint } = opened
  const { threads, quantization, signal } = options
  const load = { threads, dtype, quantization, fingerprint, cacheDir: folder.path, warn, signal }
  const { programs, loadSeconds } = await loadTwice(device, model, load)
  await using _programs = programs
  const measures = await measureRuns(requests, {
    model,
    programs,
    noise,
    options,
    hasOwnCores: device.hasOwnCores ?? false,
  })
  const packedWeights = packedBytes(programs)
  return {
    model: name,
    dummyWeights,
    dataset,
    numSequences: requests.flat().length,
    device: device.name,
    arithmetic: programs.decoder.arithmetic,
    prefixCaching,
    loadSeconds,
    ...measures,
    memory: { peak: await peakMemory(), ...(packedWeights !== undefined && { packedWeights }) },
  }
}

function requestsFor(
  { config, vocabSize, maxPositions }: MeasuredModel,
  { dataset, seed }: ThroughputOptions,
): { requests: Sequence[][]; noise: NoiseImages | undefined } {
  const tokens = imageTokensOf(dataset)
  const hasImages = tokens !== undefined && config.family === 'qwen3-vl'
  const noise = hasImages ? new NoiseImages(config.vision, { tokens, seed }) : undefined
  const requests = makeRequests(dataset, { vocabSize, seed, ...(noise && { nextImage: () => noise.next() }) })
  checkLengths(requests, maxPositions)
  return { requests, noise }
}

interface RunsToMeasure extends Measured {
  options: ThroughputOptions
}

async function measureRuns(
  requests: readonly Sequence[][],
  measured: RunsToMeasure,
): Promise<Pick<ThroughputReport, 'runs' | 'peakGflops' | 'towerPeakGflops'>> {
  const { programs, noise, options } = measured
  await measureRun(requests.slice(0, options.numWarmups), measured)
  const before = await peaksOf(programs)
  const runs: ThroughputRun[] = []
  while (runs.length < options.numRuns) {
    const run = await measureRun(requests, measured)
    // In turn with the runs, so that both see the same machine.
    if (noise !== undefined && options.dataset.name === 'random-rerank')
      run.parts = await measureParts(requests, measured)
    options.onRun?.(run)
    runs.push(run)
  }
  const after = await peaksOf(programs)
  // The machine may be slower at one moment than at another; its peak is the best it showed.
  const [peakGflops, towerPeakGflops] = [0, 1].map((which) => {
    const found = [before[which], after[which]].filter((peak) => peak !== undefined)
    return found.length === 0 ? undefined : Math.max(...found)
  })
  return {
    runs,
    ...(peakGflops !== undefined && { peakGflops }),
    ...(towerPeakGflops !== undefined && { towerPeakGflops }),
  }
}

/** Of the decoder, then of the tower; undefined where the device cannot tell. */
const peaksOf = async ({ decoder, tower }: LoadedPrograms): Promise<(number | undefined)[]> => [
  await decoder.peak?.(peakSeconds),
  await tower?.peak?.(peakSeconds),
]

function packedBytes({ decoder, tower }: LoadedPrograms): number | undefined {
  const ofDecoder = decoder.statistics?.().packedBytes
  return ofDecoder === undefined ? undefined : ofDecoder + (tower?.statistics?.().packedBytes ?? 0)
}

function checkLengths(requests: readonly Sequence[][], maxPositions: number): void {
  const longest = requests.flat().reduce((max, { ids }) => Math.max(max, ids.length), 0)
  if (longest <= maxPositions) return
  throw new QvlError('USAGE', {
    what: `The longest input would have ${longest} tokens.`,
    why: `The model was made for at most ${maxPositions}.`,
    do: 'Ask for shorter inputs.',
    param: '--random-input-len',
  })
}
