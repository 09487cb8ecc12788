// The result of a run as vLLM saves it: the same keys in the same order, in Python's JSON, and our own keys after them.

import type { Records } from '../load/records.js'
import type { RateOptions, Schedule } from '../load/schedule.js'
import { floatRepr, PythonFloat, type PythonValue, pythonJson, timeStamp } from '../python.js'
import { percentName } from './block.js'
import type { Results } from './results.js'

export interface ResultFileOptions {
  /** Of the start of the run. */
  date: Date
  backend: string
  label: string | undefined
  modelId: string
  tokenizerId: string | undefined
  numPrompts: number
  metadata: Readonly<Record<string, string>>
  rate: RateOptions
  maxConcurrency: number | undefined
  schedule: Schedule
  percentileMetrics: readonly string[]
  /** --save-detailed: a number for each request. */
  detailed: boolean
}

type Entries = { readonly [key: string]: PythonValue }

/** One line, without its end. */
export function resultJson(results: Results, records: Records, options: ResultFileOptions): string {
  return pythonJson({
    ...runEntries(options),
    ...totalEntries(results),
    ...(options.detailed ? vllmDetails(records) : {}),
    ...(options.rate.rampUp === undefined ? {} : { rps_change_events: rateChanges(options) }),
    ...(options.percentileMetrics.includes('e2el') ? latencyEntries(results) : {}),
    ...ownEntries(results),
    ...(options.detailed ? ownDetails(records) : {}),
  })
}

/** `vllm-rerank-infqps-concurrency8-Qwen3-VL-Reranker-8B-20260120-043846.json`. */
export function resultFileName(options: ResultFileOptions): string {
  const { date, backend, label, modelId, rate, maxConcurrency } = options
  const { rampUp, requestRate } = rate
  const concurrency = maxConcurrency === undefined ? '' : `-concurrency${maxConcurrency}`
  const speed =
    rampUp === undefined
      ? `${floatRepr(requestRate)}qps`
      : `ramp-up-${rampUp.strategy}-${rampUp.start}qps-${rampUp.end}qps`
  const model = modelId.split('/').at(-1)
  return `${label ?? backend}-${speed}${concurrency}-${model}-${timeStamp(date)}.json`
}

function runEntries(options: ResultFileOptions): Entries {
  const { rate, metadata } = options
  const { rampUp, requestRate, burstiness } = rate
  return {
    date: timeStamp(options.date),
    endpoint_type: options.backend,
    backend: options.backend,
    label: options.label ?? null,
    model_id: options.modelId,
    tokenizer_id: options.tokenizerId ?? null,
    num_prompts: options.numPrompts,
    ...metadata,
    request_rate: Number.isFinite(requestRate) ? new PythonFloat(requestRate) : 'inf',
    burstiness: new PythonFloat(burstiness),
    max_concurrency: options.maxConcurrency ?? null,
    ...(rampUp && {
      ramp_up_strategy: rampUp.strategy,
      ramp_up_start_rps: rampUp.start,
      ramp_up_end_rps: rampUp.end,
    }),
  }
}

const totalEntries = (results: Results): Entries => ({
  duration: new PythonFloat(results.durationSec),
  completed: results.completed,
  total_input_tokens: results.totalInputTokens,
  request_throughput: new PythonFloat(results.requestsPerSec),
  total_token_throughput: new PythonFloat(results.tokensPerSec),
})

const vllmDetails = (records: Records): Entries => ({
  input_lens: Array.from(records.tokens),
  errors: Array.from({ length: records.numRequests }, (_, index) => records.failures[index]?.kind ?? ''),
})

function latencyEntries({ latency }: Results): Entries {
  const percentiles = latency.percentiles.map(({ p, value }) => [`p${percentName(p)}_e2el_ms`, new PythonFloat(value)])
  return {
    mean_e2el_ms: new PythonFloat(latency.mean),
    median_e2el_ms: new PythonFloat(latency.median),
    std_e2el_ms: new PythonFloat(latency.std),
    ...Object.fromEntries(percentiles),
  }
}

function ownEntries(results: Results): Entries {
  const { failed, failures, cachedTokens, goodRequests, durationSec, wholeLatency, drift } = results
  return {
    failed,
    failures: Object.fromEntries(failures.map(({ kind, count }) => [kind, count])),
    unfinished: results.unfinished,
    not_sent: results.notSent,
    mean_last_byte_ms: new PythonFloat(wholeLatency.mean),
    median_last_byte_ms: new PythonFloat(wholeLatency.median),
    ...(cachedTokens !== undefined && { cached_tokens: cachedTokens }),
    ...(goodRequests !== undefined && { request_goodput: new PythonFloat(goodRequests / durationSec || 0) }),
    ...(drift && { p99_send_drift_ms: new PythonFloat(drift.p99) }),
  }
}

/** Seconds; of a request that was not answered null. */
const ownDetails = ({ numRequests, sentAt, headersAt, endAt }: Records): Entries => ({
  e2els: seconds(headersAt.map((at, index) => at - sentAt[index]!)),
  last_bytes: seconds(endAt.map((at, index) => at - sentAt[index]!)),
  start_times: seconds(sentAt.subarray(0, numRequests)),
})

const seconds = (ms: Float64Array): PythonValue[] =>
  Array.from(ms, (value) => (Number.isNaN(value) ? null : new PythonFloat(value / 1000)))

/** When the planned rate reached each whole number. */
function rateChanges({ date, rate, schedule }: ResultFileOptions): PythonValue[] {
  let last = rate.rampUp?.start ?? 0
  const events: PythonValue[] = [{ rps: last, timestamp: localTime(date) }]
  schedule.rates.forEach((planned, index) => {
    const at = localTime(new Date(date.getTime() + 1000 * schedule.due[index]!))
    while (last < Math.trunc(planned)) events.push({ rps: ++last, timestamp: at })
  })
  return events
}

/** `datetime.isoformat()`: local time, microseconds, no zone. */
function localTime(date: Date): string {
  const local = new Date(date.getTime() - 60_000 * date.getTimezoneOffset())
  return local.toISOString().replace('Z', '000')
}
