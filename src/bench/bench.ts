// One benchmark of a server, from the dataset to the numbers: what `qvl bench serve` does between flags and report.

import type { DownloadEvent } from '../checkpoint/locate.js'
import { QvlError } from '../errors.js'
import { type BackendName, backendOf } from './backends.js'
import { prepareBodies } from './bodies.js'
import { alignToServer } from './datasets/align.js'
import { type Dataset, type DatasetOptions, makeDataset } from './datasets/dataset.js'
import type { Records } from './load/records.js'
import { LoadRun } from './load/run.js'
import { planSchedule, type RateOptions, type Schedule } from './load/schedule.js'
import { Target, type TargetOptions } from './load/target.js'
import { identify, openTokenizer } from './model.js'
import { floatRepr } from './python.js'
import { waitUntilReady, warmUp } from './ready.js'
import { type Goodput, type Results, resultsOf } from './report/results.js'
import { type ServerTokens, tokensBetween } from './report/server-tokens.js'
import { countedTokens, serverTokenizer } from './server-questions.js'

/** Named after the flags. */
export interface BenchOptions {
  backend: BackendName
  target: TargetOptions
  /** The server's first model when absent. */
  model: string | undefined
  servedModelName: string | undefined
  /** A folder or a hub id; the model's when absent. */
  tokenizer: string | undefined
  revision: string | undefined
  downloadDir: string | undefined
  skipTokenizerInit: boolean
  dataset: DatasetOptions
  extraBody: Readonly<Record<string, unknown>> | undefined
  rate: RateOptions
  maxConcurrency: number | undefined
  numWarmups: number
  readyCheckTimeoutSec: number
  percentiles: readonly number[]
  goodput: Goodput | undefined
}

/** How a benchmark speaks while it goes on. */
export interface BenchEvents {
  /** What vLLM prints on stdout, line by line. */
  print(line: string): void
  warn(message: string): void
  onDownload(event: DownloadEvent): void
  /** The run begins. It ends, or is aborted, before runBench returns. */
  onRun(run: LoadRun): void
  /**
   * Before the run begins, an abort throws its reason; from then on it ends the run, and the numbers are those of what
   * was done.
   */
  signal: AbortSignal
}

export interface BenchOutcome {
  results: Results
  records: Records
  /** The counts of the server's /metrics. */
  server: ServerTokens
  schedule: Schedule
  /** Of the start. */
  date: Date
  modelId: string
  tokenizerId: string | undefined
}

/** Throws USAGE, NOT_READY, and what opening a tokenizer and reading a dataset throw. */
export async function runBench(options: BenchOptions, events: BenchEvents): Promise<BenchOutcome> {
  const { signal, print } = events
  await using target = new Target(options.target)
  const model = await identify(options, target, events)
  const tokenizerId = options.skipTokenizerInit ? undefined : (options.tokenizer ?? model.id)
  const tokenizer = tokenizerId === undefined ? undefined : await openTokenizer(tokenizerId, options, events)
  const dataset = await makeDataset({ ...options.dataset, tokenizer, signal })
  for (const warning of dataset.warnings) events.warn(warning)
  if (dataset.requests.length === 0) throw nothingToSend()
  const body = { backend: backendOf(options.backend), model: model.name, extraBody: options.extraBody }
  let bodyOf = prepareBodies(dataset.requests, body)
  print('Starting initial single prompt test run...')
  const first = { target, body: bodyOf(0), signal }
  await checkReady(first, options.readyCheckTimeoutSec, print)
  if (options.dataset.name === 'random' && tokenizer !== undefined) {
    bodyOf = prepareBodies(await aligned(dataset, serverTokenizer(target, model.name, signal), events), body)
  }
  await warm({ ...first, body: bodyOf(0) }, options, events)
  const schedule = planSchedule(dataset.requests.length, options.rate, dataset.random)
  const done = await measure({ target, bodyOf, schedule }, options, events)
  return { ...done, schedule, modelId: model.id, tokenizerId }
}

type First = Parameters<typeof waitUntilReady>[0]

async function checkReady(first: First, timeoutSec: number, print: BenchEvents['print']): Promise<void> {
  if (timeoutSec === 0) {
    print('Skipping endpoint ready check.')
    return
  }
  print(`Waiting for endpoint to become up in ${timeoutSec} seconds`)
  await waitUntilReady(first, timeoutSec)
  print('Initial test run completed.')
}

async function aligned(
  { requests }: Dataset,
  server: ReturnType<typeof serverTokenizer>,
  { print, signal }: BenchEvents,
): Promise<Dataset['requests']> {
  const result = await alignToServer(requests, server)
  signal.throwIfAborted()
  for (const note of result.notes) print(note)
  return result.requests
}

async function warm(first: First, { numWarmups, maxConcurrency }: BenchOptions, events: BenchEvents): Promise<void> {
  if (numWarmups === 0) return
  events.print(`Warming up with ${numWarmups} requests...`)
  const failed = await warmUp(first, numWarmups, maxConcurrency)
  events.print('Warmup run completed.')
  if (failed > 0) events.warn(`${failed} of ${numWarmups} warm-up requests failed.`)
}

interface Planned {
  target: Target
  bodyOf: (index: number) => Buffer | string
  schedule: Schedule
}

async function measure({ target, bodyOf, schedule }: Planned, options: BenchOptions, events: BenchEvents) {
  const { rate, maxConcurrency, percentiles, goodput } = options
  const { print, signal } = events
  print('Starting main benchmark run...')
  for (const line of trafficLines(options)) print(line)
  const before = await countedTokens(target, signal)
  signal.throwIfAborted()
  const { due } = schedule
  const run = new LoadRun({ target, numRequests: due.length, bodyOf, due, maxConcurrency, signal })
  const date = new Date()
  events.onRun(run)
  await run.run()
  const server = tokensBetween(before, await countedTokens(target, signal))
  const isPaced = rate.rampUp !== undefined || Number.isFinite(rate.requestRate)
  const { records, elapsedMs: durationMs } = run
  const results = resultsOf({ records, durationMs, percentiles, goodput, due: isPaced ? due : undefined })
  return { results, records, server, date }
}

function trafficLines({ rate, maxConcurrency }: BenchOptions): string[] {
  const { rampUp, requestRate, burstiness } = rate
  const process = burstiness === 1 ? 'Poisson process' : 'Gamma distribution'
  const traffic =
    rampUp === undefined
      ? [`Traffic request rate: ${floatRepr(requestRate)}`]
      : [
          `Traffic ramp-up strategy: ${rampUp.strategy}.`,
          `Will increase RPS from ${rampUp.start} to ${rampUp.end} RPS over the duration of the benchmark.`,
        ]
  return [
    ...traffic,
    `Burstiness factor: ${floatRepr(burstiness)} (${process})`,
    `Maximum request concurrency: ${maxConcurrency ?? 'None'}`,
  ]
}

function nothingToSend(): QvlError {
  return new QvlError('USAGE', {
    what: 'There is no request to send.',
    why: 'The dataset is empty.',
    do: 'Give --num-prompts a larger number, or --dataset-path another file.',
    param: '--num-prompts',
  })
}
