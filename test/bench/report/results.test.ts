// From records to numbers, and the lines and files made of them.

import { describe, expect, it } from 'vitest'
import { detailLines } from '#qvl/bench/report/details.js'
import { barText, histogram } from '#qvl/bench/report/histogram.js'
import { reportPage } from '#qvl/bench/report/page.js'
import { type ResultFileOptions, resultFileName, resultJson } from '#qvl/bench/report/result-json.js'
import { resultsOf } from '#qvl/bench/report/results.js'
import { nothingCounted, readServerTokens, tokensBetween } from '#qvl/bench/report/server-tokens.js'
import { noResults, recordsOf } from './example.js'

const refused = { kind: 'HTTP 429 Too Many Requests', detail: 'Retry-After: 2' }
const records = recordsOf(
  [
    { sent: 0, headers: 100, end: 110, tokens: 200, cached: 50 },
    { sent: 1, headers: 301, end: 311, tokens: 200, cached: 70 },
    { sent: 2, end: 7, failure: refused },
    { sent: 5, headers: 505, end: 515, tokens: 200 },
    { sent: 6, end: 12, failure: { kind: 'connection reset' } },
    { sent: 7, headers: 9, end: 12, failure: refused },
  ],
  9,
)
records.numSent = 7
const due = Float64Array.from({ length: 9 }, () => 0)
const results = resultsOf({
  records,
  durationMs: 2000,
  percentiles: [50, 99],
  goodput: { e2el: 300 },
  due,
})
const latencies = records.latencies()

describe('resultsOf', () => {
  it('counts and measures', () => {
    expect(results).toMatchObject({
      completed: 3,
      failed: 3,
      unfinished: 1,
      notSent: 2,
      durationSec: 2,
      totalInputTokens: 600,
      requestsPerSec: 1.5,
      tokensPerSec: 300,
      cachedTokens: 120,
      goodRequests: 2,
      lastSentMs: 7,
      failures: [
        { kind: refused.kind, count: 2, example: refused.detail },
        { kind: 'connection reset', count: 1, example: undefined },
      ],
      drift: { median: 3.5, max: 7 },
    })
    expect(results.latency).toMatchObject({ mean: 300, median: 300 })
    expect(results.wholeLatency.mean).toBe(310)
  })

  it('is all zero when nothing was answered', () => {
    const empty = resultsOf({
      records: recordsOf([], 2),
      durationMs: 0,
      percentiles: [99],
      goodput: undefined,
      due: undefined,
    })
    expect(empty).toEqual({ ...noResults, notSent: 2, durationSec: 0 })
  })
})

describe('detailLines', () => {
  const lines = (options: Partial<Parameters<typeof detailLines>[1]> = {}): string =>
    detailLines(results, {
      goodput: { e2el: 300 },
      server: { computed: 480, cached: 999 },
      latencies,
      maxConcurrency: undefined,
      ...options,
    })

  it('says what vLLM does not', () => {
    expect(lines()).toBe(`Failed, HTTP 429 Too Many Requests:      2
  first: Retry-After: 2
Failed, connection reset:                1
Stopped before an answer:                1
Not sent:                                2
Computed tokens:                         480
Cached tokens:                           120
Mean to last byte (ms):                  310.00
Median to last byte (ms):                310.00
Sent late, median (ms):                  3.50
  P99 (ms):                              6.95
  most (ms):                             7.00
Requests within e2el 300 ms:             2 of 3
Request goodput (req/s):                 1.00
Latency:
  100.00 - 140.00 ms  ████████████████████████████████████████ 1
  140.00 - 180.00 ms   0
  180.00 - 220.00 ms   0
  220.00 - 260.00 ms   0
  260.00 - 300.00 ms   0
  300.00 - 340.00 ms  ████████████████████████████████████████ 1
  340.00 - 380.00 ms   0
  380.00 - 420.00 ms   0
  420.00 - 460.00 ms   0
  460.00 - 500.00 ms  ████████████████████████████████████████ 1
`)
  })

  it('says nothing of what it does not know', () => {
    const text = detailLines(
      { ...noResults },
      { goodput: undefined, server: nothingCounted, latencies: new Float64Array(0), maxConcurrency: 1 },
    )
    expect(text).toBe('')
  })
})

describe('histogram', () => {
  it.each<[number[], number, number[]]>([
    [[1, 2, 3, 4], 2, [2, 2]],
    [[0, 0, 10], 5, [2, 0, 0, 0, 1]],
    [[5, 5], 4, [2]],
    [[7], 3, [1]],
  ])('%j in %i', (values, numBins, counts) => {
    const bins = histogram(Float64Array.from(values), numBins)
    expect(bins.map(({ count }) => count)).toEqual(counts)
    expect([bins[0]!.from, bins.at(-1)!.to]).toEqual([Math.min(...values), Math.max(...values)])
  })

  it.each<[number, string]>([
    [0, ''],
    [0.0001, '▏'],
    [0.5, '██'],
    [0.625, '██▌'],
    [1, '████'],
  ])('a bar of %d', (part, text) => {
    expect(barText(part, 4)).toBe(text)
  })
})

const fileOptions: ResultFileOptions = {
  date: new Date(2026, 0, 20, 4, 38, 46),
  backend: 'vllm-rerank',
  label: undefined,
  modelId: 'Qwen/Qwen3-VL-Reranker-8B',
  tokenizerId: 'Qwen/Qwen3-VL-Reranker-8B',
  numPrompts: 9,
  metadata: { site: 'Zürich' },
  rate: { requestRate: Number.POSITIVE_INFINITY, burstiness: 1, rampUp: undefined },
  maxConcurrency: undefined,
  schedule: { due, rates: due },
  percentileMetrics: ['e2el'],
  detailed: false,
}

describe('the result file', () => {
  it("begins with vLLM's keys in vLLM's order, as Python writes them", () => {
    expect(resultJson(results, records, fileOptions)).toMatch(
      '{"date": "20260120-043846", "endpoint_type": "vllm-rerank", "backend": "vllm-rerank", "label": null, ' +
        '"model_id": "Qwen/Qwen3-VL-Reranker-8B", "tokenizer_id": "Qwen/Qwen3-VL-Reranker-8B", "num_prompts": 9, ' +
        '"site": "Z\\u00fcrich", "request_rate": "inf", "burstiness": 1.0, "max_concurrency": null, ' +
        '"duration": 2.0, "completed": 3, "total_input_tokens": 600, "request_throughput": 1.5, ' +
        '"total_token_throughput": 300.0, "mean_e2el_ms": 300.0, "median_e2el_ms": 300.0, "std_e2el_ms": 163.29931618554522, ' +
        '"p50_e2el_ms": 300.0, "p99_e2el_ms": 496.0, "failed": 3, ',
    )
  })

  it('has a number for each request when asked', () => {
    const detailed = JSON.parse(resultJson(results, records, { ...fileOptions, detailed: true }))
    expect(detailed).toMatchObject({
      input_lens: [200, 200, 0, 200, 0, 0, 0, 0, 0],
      errors: ['', '', refused.kind, '', 'connection reset', refused.kind, '', '', ''],
      failures: { [refused.kind]: 2, 'connection reset': 1 },
      e2els: [0.1, 0.3, null, 0.5, null, 0.002, null, null, null],
      start_times: [0, 0.001, 0.002, 0.005, 0.006, 0.007, null, null, null],
    })
    const keys = Object.keys(detailed)
    expect(keys.indexOf('input_lens')).toBe(keys.indexOf('total_token_throughput') + 1)
    expect(keys.indexOf('mean_e2el_ms')).toBe(keys.indexOf('errors') + 1)
  })

  it('has the plan of a growing rate', () => {
    const rate = { ...fileOptions.rate, rampUp: { strategy: 'linear', start: 1, end: 3 } } as const
    const schedule = { due: Float64Array.of(1, 1.5, 2), rates: Float64Array.of(1, 2, 3) }
    const json = JSON.parse(resultJson(results, records, { ...fileOptions, rate, schedule }))
    expect(json).toMatchObject({ ramp_up_strategy: 'linear', ramp_up_start_rps: 1, ramp_up_end_rps: 3 })
    expect(json.rps_change_events).toEqual([
      { rps: 1, timestamp: '2026-01-20T04:38:46.000000' },
      { rps: 2, timestamp: '2026-01-20T04:38:47.500000' },
      { rps: 3, timestamp: '2026-01-20T04:38:48.000000' },
    ])
  })

  it.each<[string, Partial<ResultFileOptions>, string]>([
    ['usually', {}, 'vllm-rerank-infqps-Qwen3-VL-Reranker-8B-20260120-043846.json'],
    [
      'with a label, a rate and a concurrency',
      { label: 'night', rate: { ...fileOptions.rate, requestRate: 10 }, maxConcurrency: 8 },
      'night-10.0qps-concurrency8-Qwen3-VL-Reranker-8B-20260120-043846.json',
    ],
    [
      'with a growing rate',
      { rate: { ...fileOptions.rate, rampUp: { strategy: 'exponential', start: 1, end: 9 } } },
      'vllm-rerank-ramp-up-exponential-1qps-9qps-Qwen3-VL-Reranker-8B-20260120-043846.json',
    ],
  ])('is named %s', (_, changes, expected) => {
    expect(resultFileName({ ...fileOptions, ...changes })).toBe(expected)
  })
})

describe('the page', () => {
  const page = reportPage(results, records, { title: 'a <run> & more', facts: [['Model', '"m"']] })

  it('loads nothing and escapes what it is given', () => {
    expect(page).toContain('<title>a &#60;run&#62; &#38; more</title>')
    expect(page).toContain('&#34;m&#34;')
    expect(page).not.toMatch(/<script|<link|<img|src=|url\(|@import|https?:/)
    expect(page).toContain('prefers-color-scheme: dark')
  })

  it('has a mark for every request that ended, and whole numbers on its axes', () => {
    expect(page.match(/<circle class="mark"/g)).toHaveLength(3)
    expect(page.match(/<circle class="bad"/g)).toHaveLength(3)
    expect(page.match(/<svg /g)).toHaveLength(3)
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('can be of a run that answered nothing', () => {
    const empty = recordsOf([], 1)
    expect(reportPage(noResults, empty, { title: '', facts: [] })).not.toMatch(/NaN|Infinity|undefined/)
  })
})

describe("the server's counters", () => {
  const text = (hits: string, computed: string) => `# TYPE vllm:prefix_cache_hits counter
vllm:prefix_cache_hits_total{engine="0",model_name="a } b"} ${hits}
vllm:prefix_cache_hits_total{engine="1"} 1.5e3 1700000000000
vllm:prefix_cache_hits_created{engine="0"} 1.7e9
qvl_computed_tokens_total ${computed}
`

  it('are summed over engines, and what was before is taken off', () => {
    const before = readServerTokens(text('10', '100'))
    expect(before).toEqual({ cached: 1510, computed: 100 })
    expect(tokensBetween(before, readServerTokens(text('35.0', '180')))).toEqual({ cached: 25, computed: 80 })
  })

  it.each([
    ['', undefined],
    ['vllm:other_total 3', undefined],
    ['vllm:prefix_cache_hits_total NaN', undefined],
  ])('are unknown in %j', (metrics, expected) => {
    expect(readServerTokens(metrics).cached).toBe(expected)
  })

  it('of a server that was started anew are unknown', () => {
    expect(tokensBetween({ cached: 5, computed: 9 }, { cached: 1, computed: 12 })).toEqual({
      cached: undefined,
      computed: 3,
    })
  })
})
