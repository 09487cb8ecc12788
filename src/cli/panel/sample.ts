// The numbers of one reading of a server's metrics that the panel is made of. What a server does not have is undefined.

import { parseMetrics, type Series } from './prometheus.js'

/** Counts of values up to each bound, and of all. */
export type Histogram = ReadonlyMap<number, number>

export interface Sample {
  /** Inputs in a batch, and inputs that wait for one. */
  running: number | undefined
  waiting: number | undefined
  /** Sums since the start of the server. */
  requests: number | undefined
  inputs: number | undefined
  promptTokens: number | undefined
  computedTokens: number | undefined
  /** Seconds from the first byte of a request to the last of its answer. */
  latency: Histogram
  prefixCache: CacheCounts | undefined
  imageCache: CacheCounts | undefined
  /** How full the memory for prefixes is, 0 to 1. */
  cacheUsage: number | undefined
  /** Time in batches, and processor time, since the start. */
  busySeconds: number | undefined
  cpuSeconds: number | undefined
  residentBytes: number | undefined
  /** Unix time in seconds. */
  startedAt: number | undefined
  device: string | undefined
  version: string | undefined
  /** Answers that were errors, by status or by what ended them. */
  failures: ReadonlyMap<string, number>
}

export interface CacheCounts {
  queries: number
  hits: number
}

export function sampleOf(text: string): Sample {
  const all = new Metrics(parseMetrics(text))
  const info = all.find('qvl_build_info')
  return {
    running: all.sum('vllm:num_requests_running'),
    waiting: all.sum('vllm:num_requests_waiting'),
    requests: all.sum('vllm:e2e_request_latency_seconds_count'),
    inputs: all.sum('vllm:request_success_total'),
    promptTokens: all.sum('vllm:prompt_tokens_total'),
    computedTokens: all.sum('qvl_computed_tokens_total'),
    latency: all.histogram('vllm:e2e_request_latency_seconds'),
    prefixCache: all.cache('vllm:prefix_cache') ?? all.cache('vllm:gpu_prefix_cache'),
    imageCache: all.cache('vllm:mm_cache'),
    cacheUsage: all.mean('vllm:kv_cache_usage_perc') ?? all.mean('vllm:gpu_cache_usage_perc'),
    busySeconds: all.sum('qvl_batch_seconds_sum'),
    cpuSeconds: all.sum('process_cpu_seconds_total'),
    residentBytes: all.sum('process_resident_memory_bytes'),
    startedAt: all.sum('process_start_time_seconds'),
    device: info?.labels.get('device'),
    version: info?.labels.get('version'),
    failures: failuresOf(all),
  }
}

/** Series by name; those of several engines of one server count together. */
class Metrics {
  readonly #byName = new Map<string, Series[]>()

  constructor(series: readonly Series[]) {
    for (const one of series) {
      const same = this.#byName.get(one.name)
      if (same === undefined) this.#byName.set(one.name, [one])
      else same.push(one)
    }
  }

  all(name: string): readonly Series[] {
    return this.#byName.get(name) ?? []
  }

  find(name: string): Series | undefined {
    return this.all(name)[0]
  }

  sum(name: string): number | undefined {
    const values = this.all(name).map(({ value }) => value)
    return values.length === 0 || !values.every(Number.isFinite) ? undefined : values.reduce((one, two) => one + two)
  }

  mean(name: string): number | undefined {
    const sum = this.sum(name)
    return sum === undefined ? undefined : sum / this.all(name).length
  }

  cache(prefix: string): CacheCounts | undefined {
    const queries = this.sum(`${prefix}_queries_total`)
    const hits = this.sum(`${prefix}_hits_total`)
    return queries === undefined || hits === undefined ? undefined : { queries, hits }
  }

  histogram(name: string): Histogram {
    const counts = new Map<number, number>()
    for (const { labels, value } of this.all(`${name}_bucket`)) {
      const text = labels.get('le')
      const bound = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text)
      if (Number.isFinite(value) && !Number.isNaN(bound)) counts.set(bound, (counts.get(bound) ?? 0) + value)
    }
    return new Map([...counts].sort(([one], [two]) => one - two))
  }
}

/** By exact status where the server tells it; vLLM tells the class of the status, and how requests ended. */
function failuresOf(all: Metrics): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const add = (series: readonly Series[], label: string, wanted: RegExp): void => {
    for (const { labels, value } of series) {
      const code = labels.get(label)
      if (code !== undefined && wanted.test(code) && value > 0) counts.set(code, (counts.get(code) ?? 0) + value)
    }
  }
  const exact = all.all('qvl_http_responses_total')
  if (exact.length > 0) add(exact, 'code', /^[45]\d\d$/)
  else {
    add(all.all('http_requests_total'), 'status', /^[45](xx|\d\d)$/)
    add(all.all('vllm:request_success_total'), 'finished_reason', /^(abort|error)$/)
  }
  return counts
}
