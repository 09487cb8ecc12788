// The flags of qvl bench serve as the options of a benchmark.

import { randomBytes } from 'node:crypto'
import { type BackendName, backendOf, chooseBackend } from '../bench/backends.js'
import type { BenchOptions } from '../bench/bench.js'
import type { RampUp } from '../bench/load/schedule.js'
import type { TargetOptions } from '../bench/load/target.js'
import { type Goodput, goodputNames } from '../bench/report/results.js'
import { QvlError } from '../errors.js'
import { datasetOptions } from './bench-serve-dataset.js'
import type { BenchServeSettings } from './bench-serve-defaults.js'

/** What vLLM measures; servers that write no text have the last. */
const metricNames = ['ttft', 'tpot', 'itl', 'e2el']

export interface BenchServePlan {
  bench: BenchOptions
  percentileMetrics: readonly string[]
  metadata: Readonly<Record<string, string>>
}

/** Throws USAGE. */
export function benchServePlan(settings: BenchServeSettings, env: NodeJS.ProcessEnv): BenchServePlan {
  const backend = chooseBackend(settings.backend, settings['dataset-name'])
  const rampUp = rampUpOf(settings)
  const bench: BenchOptions = {
    backend,
    target: targetOf(settings, backend, env),
    model: settings.model,
    servedModelName: settings['served-model-name'].at(-1),
    tokenizer: settings.tokenizer,
    revision: settings.revision,
    downloadDir: settings['download-dir'],
    skipTokenizerInit: settings['skip-tokenizer-init'],
    dataset: datasetOptions(settings),
    extraBody: settings['extra-body'],
    rate: { requestRate: settings['request-rate'], burstiness: settings.burstiness, rampUp },
    maxConcurrency: settings['max-concurrency'],
    numWarmups: settings['num-warmups'],
    readyCheckTimeoutSec: settings['ready-check-timeout-sec'],
    percentiles: percentilesOf(settings['metric-percentiles']),
    goodput: goodputOf(settings.goodput),
  }
  return { bench, percentileMetrics: metricsOf(settings), metadata: pairs('--metadata', settings.metadata) }
}

function targetOf(settings: BenchServeSettings, backend: BackendName, env: NodeJS.ProcessEnv): TargetOptions {
  const { host, port } = settings
  const { endpoint: usual, suffix } = backendOf(backend)
  const baseUrl = settings['base-url'] ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const endpoint = settings.endpoint ?? usual
  // vLLM lets /start_profile through.
  if (![suffix, 'profile'].some((end) => endpoint.endsWith(end))) {
    throw usage('--endpoint', endpoint, `The address of a server for --backend ${backend} ends in ${suffix}.`)
  }
  return {
    baseUrl: baseUrl.replace(/\/+$/, ''),
    endpoint: endpoint.startsWith('/') ? endpoint : `/${endpoint}`,
    headers: headersOf(settings.header, env),
    insecure: settings.insecure,
    requestIdPrefix: settings['request-id-prefix'] ?? `bench-${randomBytes(4).toString('hex')}-`,
    maxConnections: settings['max-concurrency'],
    timeoutMs: 1000 * settings['request-timeout'],
  }
}

function headersOf(given: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const key = env.OPENAI_API_KEY
  const own = Object.entries(pairs('--header', given)).map(([name, value]) => [name.toLowerCase(), value])
  return { ...(key && { authorization: `Bearer ${key}` }), ...Object.fromEntries(own) }
}

function rampUpOf(settings: BenchServeSettings): RampUp | undefined {
  const { 'ramp-up-strategy': strategy, 'ramp-up-start-rps': start, 'ramp-up-end-rps': end } = settings
  if (strategy === 'none') return undefined
  if (Number.isFinite(settings['request-rate'])) {
    throw usage('--request-rate', String(settings['request-rate']), 'With --ramp-up-strategy the rate follows from it.')
  }
  if (start === undefined || end === undefined) {
    throw usage('--ramp-up-strategy', strategy, 'It needs --ramp-up-start-rps and --ramp-up-end-rps.')
  }
  if (start === 0) throw usage('--ramp-up-start-rps', '0', 'At a rate of zero the first request is never sent.')
  if (start > end) throw usage('--ramp-up-start-rps', String(start), `It is more than the end, ${end}.`)
  return { strategy, start, end }
}

function percentilesOf(text: string): number[] {
  const values = text.split(',').map((word) => (word.trim() === '' ? Number.NaN : Number(word)))
  if (values.every((value) => value >= 0 && value <= 100)) return values
  throw usage('--metric-percentiles', text, 'It is a list of numbers from 0 to 100, such as 50,90,99.9.')
}

function metricsOf({ 'percentile-metrics': text }: BenchServeSettings): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.every((name) => metricNames.includes(name))) return names
  throw usage('--percentile-metrics', text, `It is a list of: ${metricNames.join(', ')}.`)
}

function goodputOf(given: readonly string[]): Goodput | undefined {
  const limits = given.map((text) => {
    const [name, value = ''] = text.split(':')
    const known = goodputNames.find((one) => one === name)
    const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
    if (known !== undefined && ms >= 0) return [known, ms] as const
    throw usage('--goodput', text, `It is NAME:MILLISECONDS, and a name is one of: ${goodputNames.join(', ')}.`)
  })
  return limits.length === 0 ? undefined : Object.fromEntries(limits)
}

function pairs(flag: string, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const [name, ...rest] = text.split('=')
      if (name !== undefined && name !== '' && rest.length > 0) return [name, rest.join('=')]
      throw usage(flag, text, 'It is written KEY=VALUE.')
    }),
  )
}

function usage(flag: string, value: string, why: string): QvlError {
  return new QvlError('USAGE', {
    what: `${flag} does not take the value ${JSON.stringify(value)}.`,
    why,
    do: 'Correct the value; qvl bench serve --help lists what each flag takes.',
    param: flag,
  })
}
