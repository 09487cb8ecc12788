import { describe, expect, it } from 'vitest'
import { tokenBuckets } from '#qvl/server/metrics/buckets.js'
import { type EndedRequest, type Metrics, openMetrics } from '#qvl/server/metrics.js'
import type { Route } from '#qvl/server/route.js'

const route: Route = {
  methods: ['POST'],
  paths: ['/v1/rerank', '/rerank'],
  name: 'rerank',
  summary: 'Rank documents.',
  works: true,
  handle: () => ({ status: 200, body: '' }),
}
const health: Route = { ...route, methods: ['GET'], paths: ['/health'], name: 'health' }

const ended = (changes: Partial<EndedRequest> = {}): EndedRequest => ({
  route,
  path: '/rerank',
  method: 'POST',
  status: 200,
  seconds: 0.25,
  timing: { items: 2, promptTokens: 30, queueMs: 4, runMs: 200 },
  ...changes,
})

async function samplesAfter(act: (metrics: Metrics) => void): Promise<Map<string, number>> {
  const metrics = openMetrics({ modelName: 'tiny', version: '1.2.3', engine: () => undefined })
  act(metrics)
  const text = await metrics.render()
  metrics.close()
  return parseSamples(text)
}

/** Prometheus' text format: `name{labels} value`. */
function parseSamples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      expect(line, 'is a sample').toMatch(/^[a-zA-Z_:][\w:]*(\{.*\})? [-+.\dInfNae]+$/)
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

const model = 'model_name="tiny",engine="0"'

describe('what is counted', () => {
  const cases: { what: string; act: (metrics: Metrics) => void; expected: Record<string, number> }[] = [
    {
      what: 'an answered request',
      act: (metrics) => metrics.requestEnded(ended()),
      expected: {
        'http_requests_total{handler="/rerank",method="POST",status="2xx"}': 1,
        'http_request_duration_seconds_sum{handler="/rerank",method="POST"}': 0.25,
        'qvl_http_responses_total{code="200"}': 1,
        [`vllm:request_success_total{${model},finished_reason="stop"}`]: 2,
        [`vllm:e2e_request_latency_seconds_count{${model}}`]: 1,
        [`vllm:e2e_request_latency_seconds_sum{${model}}`]: 0.25,
        [`vllm:request_queue_time_seconds_sum{${model}}`]: 0.004,
        [`vllm:request_inference_time_seconds_sum{${model}}`]: 0.2,
        [`vllm:request_prefill_time_seconds_sum{${model}}`]: 0.2,
        [`vllm:request_prompt_tokens_sum{${model}}`]: 30,
      },
    },
    {
      what: 'a client that left',
      act: (metrics) => {
        metrics.requestEnded(ended({ status: 499, timing: { items: 3 } }))
        metrics.cancelled()
      },
      expected: {
        [`vllm:request_success_total{${model},finished_reason="abort"}`]: 3,
        [`vllm:e2e_request_latency_seconds_count{${model}}`]: 0,
        'http_requests_total{handler="/rerank",method="POST",status="4xx"}': 1,
        qvl_requests_cancelled_total: 1,
      },
    },
    {
      what: 'a failure',
      act: (metrics) => metrics.requestEnded(ended({ status: 500, timing: {} })),
      expected: { [`vllm:request_success_total{${model},finished_reason="error"}`]: 1 },
    },
    {
      what: 'a wrong request, which the engine never saw',
      act: (metrics) => metrics.requestEnded(ended({ status: 400, timing: {} })),
      expected: {
        [`vllm:request_success_total{${model},finished_reason="stop"}`]: 0,
        [`vllm:request_success_total{${model},finished_reason="error"}`]: 0,
        'qvl_http_responses_total{code="400"}': 1,
      },
    },
    {
      what: 'batches',
      act: (metrics) => {
        metrics.batchEnded({ sequences: 3, promptTokens: 100, computedTokens: 60, seconds: 0.5, failed: false })
        metrics.batchEnded({ sequences: 1, promptTokens: 40, computedTokens: 40, seconds: 0.1, failed: true })
      },
      expected: {
        [`vllm:prompt_tokens_total{${model}}`]: 100,
        [`vllm:prompt_tokens_cached_total{${model}}`]: 40,
        [`vllm:iteration_tokens_total_count{${model}}`]: 2,
        qvl_computed_tokens_total: 60,
        'qvl_batches_total{outcome="ok"}': 1,
        'qvl_batches_total{outcome="failed"}': 1,
      },
    },
    {
      what: 'admission',
      act: (metrics) => {
        metrics.admitted()
        metrics.admitted()
        metrics.refused('overloaded')
      },
      expected: {
        qvl_requests_admitted_total: 2,
        'qvl_requests_refused_total{reason="overloaded"}': 1,
        'qvl_requests_refused_total{reason="not_ready"}': 0,
      },
    },
    {
      what: 'nothing yet, and no engine',
      act: () => {},
      expected: {
        [`vllm:num_requests_running{${model}}`]: 0,
        [`vllm:num_requests_waiting{${model}}`]: 0,
        [`vllm:num_preemptions_total{${model}}`]: 0,
        [`vllm:prompt_tokens_total{${model}}`]: 0,
        [`vllm:prefix_cache_hits_total{${model}}`]: 0,
      },
    },
  ]
  it.each(cases)('$what', async ({ act, expected }) => {
    const samples = await samplesAfter(act)
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, samples.get(name)]))).toEqual(expected)
  })

  it('says what the process is', async () => {
    const samples = await samplesAfter(() => {})
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0)
    const name = [...samples.keys()].find((each) => each.startsWith('qvl_build_info'))
    expect(name).toContain('version="1.2.3"')
    if (process.platform === 'linux') expect(samples.get('process_open_fds')).toBeGreaterThan(2)
  })

  it('leaves out what machines poll', async () => {
    const samples = await samplesAfter((metrics) => metrics.requestEnded(ended({ route: health, path: '/health' })))
    expect([...samples.keys()].filter((name) => name.startsWith('http_requests_total'))).toEqual([])
  })
})

describe('labels', () => {
  it('clients cannot make new ones', async () => {
    const strange = ['/secret', '/v1/rerank?key=1', '/rerank"} 1\nfake 2', '\u0000']
    const samples = await samplesAfter((metrics) => {
      for (const path of strange) {
        metrics.requestEnded(ended({ route: undefined, path, method: 'BREW', status: 404 }))
        metrics.requestEnded(ended({ path, method: 'BREW', status: 405 }))
      }
    })
    const labels = [...samples.keys()].filter((name) => name.startsWith('http_requests_total'))
    expect(labels).toEqual(['http_requests_total{handler="none",method="other",status="4xx"}'])
  })

  it('the served name is escaped', async () => {
    const metrics = openMetrics({ modelName: 'a"b\\c\nd', version: '1', engine: () => undefined })
    const text = await metrics.render()
    metrics.close()
    expect(text).toContain('vllm:num_requests_running{model_name="a\\"b\\\\c\\nd",engine="0"} 0')
  })
})

describe('readings', () => {
  it('are as many after a thousand requests as after one, and counters do not grow by being read', async () => {
    const metrics = openMetrics({ modelName: 'tiny', version: '1', engine: () => undefined })
    metrics.requestEnded(ended())
    const first = parseSamples(await metrics.render())
    for (let i = 0; i < 1000; i++) metrics.requestEnded(ended({ timing: { ...ended().timing, promptTokens: i } }))
    const last = parseSamples(await metrics.render())
    metrics.close()
    expect([...last.keys()]).toEqual([...first.keys()])
    expect(last.get('process_cpu_seconds_total')).toBeLessThan(2 * first.get('process_cpu_seconds_total')! + 60)
  })

  it('keep apart: two servers in one process do not share', async () => {
    const quiet = await samplesAfter(() => {})
    await samplesAfter((metrics) => metrics.admitted())
    expect(quiet.get('qvl_requests_admitted_total')).toBe(0)
    expect((await samplesAfter(() => {})).get('qvl_requests_admitted_total')).toBe(0)
  })
})

it.each([
  [1, [1]],
  [60, [1, 2, 5, 10, 20, 50]],
  [100, [1, 2, 5, 10, 20, 50, 100]],
])('token buckets up to %s', (max, expected) => {
  expect(tokenBuckets(max)).toEqual(expected)
})
