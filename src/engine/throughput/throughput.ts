// Measures how fast a device computes a model: the queue and the device alone, without prompts, tokenizer or HTTP.

import type { Arithmetic, Device, DeviceName, LoadedProgram } from '../../devices/device.js'
import { chooseDevice, openDevice } from '../../devices/open-device.js'
import { QvlError } from '../../errors.js'
import type { Model } from '../../models/model.js'
import { countFlops, type Flops } from '../../program/flops.js'
import type { ProgramInputs } from '../../program/program.js'
import { defaultMaxNumBatchedTokens, defaultMaxNumSeqs } from '../limits.js'
import type { EngineOptions } from '../options.js'
import { Queue } from '../queue.js'
import { type Dataset, makeRequests } from './datasets.js'
import { type MeasuredModel, openMeasuredModel } from './measured-model.js'
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

/** One pass over all requests. */
export interface ThroughputRun {
  seconds: number
  /** Tokens asked for. */
  promptTokens: number
  /** Tokens computed; fewer where prefixes are shared. */
  computedTokens: number
  /** Counted from the program, not by the device. */
  flops: Flops
  /** As the device measured it, if it does. */
  device?: { linearSeconds: number; attentionSeconds: number; totalSeconds: number }
}

export interface ThroughputReport {
  model: string
  dummyWeights: boolean
  dataset: Dataset
  numSequences: number
  device: DeviceName
  arithmetic: Arithmetic
  prefixCaching: boolean
  /** From weights on disk to ready: the first start of a checkpoint, and every later one. */
  loadSeconds: { first: number; second: number }
  /** Most that a loop in registers reached, if the device can tell: GFLOP/s, GOP/s for int8. */
  peakGflops?: number
  /** Bytes. */
  memory: { peak: number; packedWeights?: number }
  runs: readonly ThroughputRun[]
}

/** Long enough for the clock rate to settle, short beside a run. */
const peakSeconds = 0.5

/** Throws what openEngine throws for model and device, and USAGE for sequences longer than the model's limit. */
export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputReport> {
  const { model: name, dummyWeights, dataset, seed, enablePrefixCaching: prefixCaching = true } = options
  const device = await openDevice(chooseDevice(options.device ?? 'auto', (message) => options.warn?.(message)))
  await using folder = await temporaryFolder()
  const measured = await openMeasuredModel({ ...options, folder: folder.path })
  const requests = makeRequests(dataset, { vocabSize: measured.vocabSize, seed })
  checkLengths(requests, measured)
  const { program, loadSeconds } = await loadTwice(device, measured, options, folder.path)
  await using _ = program
  const { runs, peakGflops } = await measureRuns(requests, { model: measured.model, program, options })
  const packedWeights = program.statistics?.().packedBytes
  return {
    model: name,
    dummyWeights,
    dataset,
    numSequences: requests.flat().length,
    device: device.name,
    arithmetic: program.arithmetic,
    prefixCaching,
    loadSeconds,
    ...(peakGflops !== undefined && { peakGflops }),
    memory: { peak: await peakMemory(), ...(packedWeights !== undefined && { packedWeights }) },
    runs,
  }
}

/** The first load finds nothing that the device keeps on disk between starts, the second finds all of it. */
async function loadTwice(
  device: Device,
  { model, fingerprint, dtype }: MeasuredModel,
  { threads, quantization, signal, warn }: ThroughputOptions,
  cacheDir: string,
): Promise<{ program: LoadedProgram; loadSeconds: ThroughputReport['loadSeconds'] }> {
  const load = async (): Promise<{ program: LoadedProgram; seconds: number }> => {
    signal?.throwIfAborted()
    const started = performance.now()
    const options = { threads, dtype, quantization, fingerprint, cacheDir, warn }
    const program = await device.load(model.program, model.weights, options)
    return { program, seconds: (performance.now() - started) / 1000 }
  }
  const first = await load()
  await first.program.close()
  const second = await load()
  return { program: second.program, loadSeconds: { first: first.seconds, second: second.seconds } }
}

interface Work {
  model: Model
  program: LoadedProgram
  options: ThroughputOptions
}

async function measureRuns(
  requests: readonly Int32Array[][],
  work: Work,
): Promise<Pick<ThroughputReport, 'runs' | 'peakGflops'>> {
  const { program, options } = work
  await measureRun(requests.slice(0, options.numWarmups), work)
  const before = await program.peak?.(peakSeconds)
  const runs: ThroughputRun[] = []
  while (runs.length < options.numRuns) {
    const run = await measureRun(requests, work)
    options.onRun?.(run)
    runs.push(run)
  }
  if (before === undefined) return { runs }
  // The machine may be slower at one moment than at another; its peak is the best it showed.
  const after = await program.peak?.(peakSeconds)
  return { runs, peakGflops: Math.max(before, after ?? 0) }
}

async function measureRun(requests: readonly Int32Array[][], work: Work): Promise<ThroughputRun> {
  const { model, program, options } = work
  const flops = { linear: 0, attention: 0 }
  const counting = {
    run(inputs: ProgramInputs) {
      const batch = countFlops(model.program, inputs)
      flops.linear += batch.linear
      flops.attention += batch.attention
      return program.run(inputs)
    },
  }
  const queue = new Queue(model, counting, {
    maxNumBatchedTokens: options.maxNumBatchedTokens ?? defaultMaxNumBatchedTokens,
    maxNumSeqs: options.maxNumSeqs ?? defaultMaxNumSeqs,
    sharePrefixes: options.enablePrefixCaching ?? true,
  })
  const before = program.statistics?.()
  const started = performance.now()
  const sequences = requests.flat().map((ids) => ({ ids, prefixTokens: 0, pool: 'last' as const }))
  await Promise.all(queue.enqueue([sequences], { signal: options.signal }))
  const seconds = (performance.now() - started) / 1000
  const after = program.statistics?.()
  const device = before &&
    after && {
      linearSeconds: after.linearSeconds - before.linearSeconds,
      attentionSeconds: after.attentionSeconds - before.attentionSeconds,
      totalSeconds: after.totalSeconds - before.totalSeconds,
    }
  return { seconds, ...queue.counters, flops, ...(device && { device }) }
}

function checkLengths(requests: readonly Int32Array[][], { maxPositions }: MeasuredModel): void {
  const longest = requests.flat().reduce((max, { length }) => Math.max(max, length), 0)
  if (longest <= maxPositions) return
  throw new QvlError('USAGE', {
    what: `The longest input would have ${longest} tokens.`,
    why: `The model was made for at most ${maxPositions}.`,
    do: 'Ask for shorter inputs.',
    param: '--random-input-len',
  })
}
