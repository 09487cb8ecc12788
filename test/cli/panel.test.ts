// What the panel is made of: metrics as text, readings, percentiles, rates, figures.

import { describe, expect, it } from 'vitest'
import type { ServerReading } from '#qvl/bench/watch.js'
import { compact, latency, memory, percent } from '#qvl/cli/panel/figures.js'
import { between, percentile } from '#qvl/cli/panel/percentile.js'
import { parseMetrics } from '#qvl/cli/panel/prometheus.js'
import { sampleOf } from '#qvl/cli/panel/sample.js'
import { Recent } from '#qvl/cli/panel/snapshot.js'
import { snapshotJson } from '#qvl/cli/panel/snapshot-json.js'
import { openMetrics } from '#qvl/server/metrics.js'
import { routeTable } from '#qvl/server/routes.js'

describe('the text format', () => {
  const rows: [line: string, name: string, labels: Record<string, string>, value: number][] = [
    ['up 1', 'up', {}, 1],
    ['  up\t1  ', 'up', {}, 1],
    ['vllm:x_total{a="b",c="d"} 3.5e2', 'vllm:x_total', { a: 'b', c: 'd' }, 350],
    ['x{a="b",} .5', 'x', { a: 'b' }, 0.5],
    ['x{ a = "b" , c="" } 1', 'x', { a: 'b', c: '' }, 1],
    ['x{} 1 1395066363000', 'x', {}, 1],
    ['x{a="}, {"} -2', 'x', { a: '}, {' }, -2],
    ['x{a="say \\"hi\\"\\n\\\\"} +Inf', 'x', { a: 'say "hi"\n\\' }, Number.POSITIVE_INFINITY],
    ['x_bucket{le="1"} 4 # {trace_id="a"} 0.5 1.7', 'x_bucket', { le: '1' }, 4],
    ['x{a="名前"} -inf', 'x', { a: '名前' }, Number.NEGATIVE_INFINITY],
    ['x Nan', 'x', {}, Number.NaN],
  ]
  it.each(rows)('%s', (line, name, labels, value) => {
    const found = parseMetrics(line).map((series) => ({ ...series, labels: Object.fromEntries(series.labels) }))
    expect(found).toEqual([{ name, labels, value }])
  })

  const odd = [
    '',
    '# HELP up Up.',
    '#',
    '1up 1',
    'up',
    'up{',
    'up{a="b" 1',
    'up{a=b} 1',
    'up{a="b"}',
    'up one',
    'up 0x1',
  ]
  it.each(odd)('nothing is read from %j', (line) => {
    expect(parseMetrics(line)).toEqual([])
  })

  it('an odd line does not hide the others', () => {
    expect(parseMetrics(`a 1\r\n${odd.join('\n')}\nb 2\n`).map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

describe('readings', () => {
  it('of this server, as it renders its metrics', async () => {
    const metrics = openMetrics({ modelName: 'm "1"', version: '1.2.3', engine: () => undefined })
    const route = routeTable({ documentation: false }).find(({ works }) => works)!
    const timing = { items: 3, promptTokens: 30, queueMs: 1, runMs: 8 }
    const request = { route, path: route.paths[0]!, method: 'POST', timing }
    metrics.requestEnded({ ...request, status: 200, seconds: 0.03 })
    metrics.requestEnded({ ...request, status: 429, seconds: 0.001 })
    metrics.batchEnded({ sequences: 3, promptTokens: 30, computedTokens: 20, seconds: 0.25, failed: false })
    const sample = sampleOf(await metrics.render())
    metrics.close()
    expect(sample).toMatchObject({
      ...{ running: 0, waiting: 0, requests: 1, inputs: 3, promptTokens: 30, computedTokens: 20 },
      ...{ prefixCache: { queries: 0, hits: 0 }, imageCache: { queries: 0, hits: 0 }, cacheUsage: 0 },
      ...{ busySeconds: 0.25, device: 'none', version: '1.2.3' },
    })
    expect([...sample.failures]).toEqual([['429', 1]])
    expect(sample.latency.get(0.05)! - sample.latency.get(0.02)!).toBe(1)
    expect(sample.residentBytes).toBeGreaterThan(1e6)
    expect(sample.startedAt! - Date.now() / 1000).toBeLessThan(1)
  })

  it('of vLLM, whose engines count together', () => {
    const sample = sampleOf(vllmMetrics)
    expect(sample).toMatchObject({
      ...{ running: 5, waiting: 7, requests: 30, inputs: 31, promptTokens: 9000, computedTokens: undefined },
      ...{ prefixCache: { queries: 8000, hits: 2000 }, imageCache: { queries: 10, hits: 4 }, cacheUsage: 0.5 },
      ...{ busySeconds: undefined, cpuSeconds: 12.5, residentBytes: 4e9, device: undefined, version: undefined },
    })
    expect([...sample.latency]).toEqual([
      [0.3, 10],
      [0.5, 25],
      [Number.POSITIVE_INFINITY, 30],
    ])
    expect(Object.fromEntries(sample.failures)).toEqual({ '4xx': 3, abort: 1 })
  })

  it('of something else', () => {
    const { latency: histogram, failures, ...rest } = sampleOf('go_goroutines 7\n')
    expect(Object.values(rest).every((value) => value === undefined)).toBe(true)
    expect([histogram.size, failures.size]).toEqual([0, 0])
  })
})

const engines = (name: string, one: number, two: number): string =>
  `vllm:${name}{engine="0",model_name="m"} ${one}\nvllm:${name}{engine="1",model_name="m"} ${two}\n`

const vllmMetrics = [
  engines('num_requests_running', 2, 3),
  engines('num_requests_waiting', 0, 7),
  engines('kv_cache_usage_perc', 0.25, 0.75),
  engines('prefix_cache_queries_total', 5000, 3000),
  engines('prefix_cache_hits_total', 2000, 0),
  engines('mm_cache_queries_total', 4, 6),
  engines('mm_cache_hits_total', 1, 3),
  engines('prompt_tokens_total', 4000, 5000),
  'vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 30.0\n',
  'vllm:request_success_total{engine="0",finished_reason="abort",model_name="m"} 1.0\n',
  'vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 0.0\n',
  'vllm:e2e_request_latency_seconds_bucket{engine="0",le="0.3",model_name="m"} 4.0\n',
  'vllm:e2e_request_latency_seconds_bucket{engine="0",le="0.5",model_name="m"} 10.0\n',
  'vllm:e2e_request_latency_seconds_bucket{engine="0",le="+Inf",model_name="m"} 12.0\n',
  'vllm:e2e_request_latency_seconds_bucket{engine="1",le="0.3",model_name="m"} 6.0\n',
  'vllm:e2e_request_latency_seconds_bucket{engine="1",le="0.5",model_name="m"} 15.0\n',
  'vllm:e2e_request_latency_seconds_bucket{engine="1",le="+Inf",model_name="m"} 18.0\n',
  engines('e2e_request_latency_seconds_count', 12, 18),
  'http_requests_total{handler="/v1/rerank",method="POST",status="2xx"} 30.0\n',
  'http_requests_total{handler="/v1/rerank",method="POST",status="4xx"} 3.0\n',
  'process_cpu_seconds_total 12.5\nprocess_resident_memory_bytes 4e+09\nprocess_start_time_seconds 1.7e+09\n',
].join('')

describe('percentiles', () => {
  const infinity = Number.POSITIVE_INFINITY
  const cases: [buckets: [number, number][], share: number, expected: number | undefined][] = [
    [[], 0.5, undefined],
    [
      [
        [1, 0],
        [infinity, 0],
      ],
      0.5,
      undefined,
    ],
    [
      [
        [1, 10],
        [2, 10],
        [infinity, 10],
      ],
      0.5,
      0.5,
    ],
    [
      [
        [1, 5],
        [2, 10],
        [infinity, 10],
      ],
      0.5,
      1,
    ],
    [
      [
        [1, 5],
        [2, 10],
        [infinity, 10],
      ],
      0.75,
      1.5,
    ],
    [
      [
        [1, 0],
        [2, 4],
        [4, 8],
        [infinity, 8],
      ],
      0.99,
      3.96,
    ],
    [
      [
        [1, 0],
        [2, 4],
        [infinity, 8],
      ],
      0.99,
      2,
    ],
    [
      [
        [1, 0],
        [infinity, 8],
      ],
      0.01,
      1,
    ],
  ]
  it.each(cases)('%j at %d', (buckets, share, expected) => {
    const found = percentile(new Map(buckets), share)
    if (expected === undefined) expect(found).toBeUndefined()
    else expect(found).toBeCloseTo(expected, 10)
  })

  it('of what came between two readings', () => {
    const recent = between(
      new Map([
        [1, 100],
        [2, 100],
      ]),
      new Map([
        [1, 100],
        [2, 110],
      ]),
    )
    expect(percentile(recent, 0.5)).toBe(1.5)
  })
})

describe('a minute of readings', () => {
  const reading = (metrics: string | undefined, more: Partial<ServerReading> = {}): ServerReading => ({
    ...{ address: 'http://a:1', state: 'ready', why: '', metrics, model: 'm', version: '1.0', ...more },
  })
  const counted = (requests: number, tokens: number, cpu = tokens / 1000): string =>
    [
      `vllm:num_requests_running 1`,
      `vllm:e2e_request_latency_seconds_count ${requests}`,
      `vllm:e2e_request_latency_seconds_bucket{le="1"} ${requests}`,
      `vllm:e2e_request_latency_seconds_bucket{le="+Inf"} ${requests}`,
      `vllm:prompt_tokens_total ${tokens}`,
      `process_cpu_seconds_total ${cpu}`,
      'process_start_time_seconds 1000',
      'qvl_build_info{version="1.0",device="cpu"} 1',
      `qvl_http_responses_total{code="429"} ${Math.floor(requests / 10)}`,
    ].join('\n')

  it('gives rates of the last seconds, and what was seen when', () => {
    const recent = new Recent()
    const first = recent.add(reading(counted(0, 0)), 0, 1000)
    expect(first).toMatchObject({
      requestsPerSecond: undefined,
      latency: undefined,
      server: 'qvl 1.0',
      uptimeSeconds: 0,
    })
    for (let second = 1; second < 10; second++) recent.add(reading(counted(second, 0)), 1000 * second, 1000 + second)
    const last = recent.add(reading(counted(20, 6000)), 10_000, 1010)
    // 20 - 5 requests and 6000 tokens in the last 5 s.
    expect(last).toMatchObject({ requestsPerSecond: 3, tokensPerSecond: 1200, coresBusy: 1.2, uptimeSeconds: 10 })
    expect(last.latency).toEqual({ p50: 0.5, p95: 0.95, p99: 0.99 })
    expect(last.history).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 6000])
    expect(last.errors).toEqual([{ code: '429', count: 2, what: 'overloaded', secondsAgo: 0 }])
    expect(recent.add(reading(counted(20, 6000)), 14_000, 1014).errors![0]!.secondsAgo).toBe(4)
  })

  it('forgets what is older', () => {
    const recent = new Recent()
    recent.add(reading(counted(0, 0)), 0, 1000)
    recent.add(reading(counted(10, 0)), 1000, 1001)
    const later = recent.add(reading(counted(10, 0)), 62_000, 1062)
    expect([later.latency, later.history]).toEqual([undefined, [0]])
  })

  it('looks further back where looks are rare', () => {
    const recent = new Recent()
    recent.add(reading(counted(0, 0)), 0, 1000)
    expect(recent.add(reading(counted(30, 0)), 30_000, 1030).requestsPerSecond).toBe(1)
  })

  it('begins anew with a server that was started again', () => {
    const recent = new Recent()
    recent.add(reading(counted(100, 1000)), 0, 1000)
    expect(recent.add(reading(counted(1, 10)), 1000, 1001)).toMatchObject({ requestsPerSecond: undefined, history: [] })
    expect(recent.add(reading(counted(3, 20)), 2000, 1002)).toMatchObject({ requestsPerSecond: 2, tokensPerSecond: 10 })
  })

  it('remembers the name of a server that is away, and shows no old figures', () => {
    const recent = new Recent()
    recent.add(reading(counted(1, 10)), 0, 1000)
    recent.add(reading(counted(2, 20)), 1000, 1001)
    const away = { state: 'unreachable', why: 'No answer.', model: undefined, version: undefined } as const
    const gone = recent.add(reading(undefined, away), 2000, 1002)
    expect(gone).toMatchObject({ model: 'm', server: 'qvl 1.0', running: undefined, requestsPerSecond: undefined })
    expect([gone.latency, gone.errors]).toEqual([undefined, undefined])
    expect(JSON.parse(snapshotJson(gone))).toMatchObject({
      ...{ state: 'unreachable', requests_per_second: null, busy_share: null, window_seconds: 60, errors: null },
    })
  })

  it('vLLM is told by its names', () => {
    expect(new Recent().add(reading(vllmMetrics, { version: '0.11.0' }), 0, 1).server).toBe('vLLM 0.11.0')
    expect(new Recent().add(reading('up 1', { version: '7' }), 0, 1).server).toBe('7')
  })
})

describe('figures', () => {
  const cases: [(value: number | undefined) => string, number | undefined, string][] = [
    [compact, undefined, '-'],
    [compact, 0, '0'],
    [compact, 0.04, '0.0'],
    [compact, 51.25, '51.3'],
    [compact, 7, '7'],
    [compact, 9_999.4, '9,999'],
    [compact, 9_999.6, '10.0k'],
    [compact, 120_400, '120k'],
    [compact, 999_600, '1.0M'],
    [compact, 1.5e9, '1.5G'],
    [latency, undefined, '-'],
    [latency, 0.0004, '0.4 ms'],
    [latency, 0.00999, '10 ms'],
    [latency, 0.9999, '1.0 s'],
    [latency, 9.96, '10 s'],
    [percent, undefined, '-'],
    [percent, 0.427, '43 %'],
    [memory, undefined, '-'],
    [memory, 820 * 1024 ** 2, '820 MiB'],
    [memory, 1.25 * 1024 ** 3, '1.3 GiB'],
  ]
  it.each(cases)('%o of %d is %s', (figure, value, expected) => {
    expect(figure(value)).toBe(expected)
  })
})
