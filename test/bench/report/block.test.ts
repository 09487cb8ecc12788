// The report against vLLM's, byte for byte.

import { describe, expect, it } from 'vitest'
import { type BlockOptions, reportBlock } from '#qvl/bench/report/block.js'
import type { Results } from '#qvl/bench/report/results.js'
import { noResults } from './example.js'

const usual: BlockOptions = {
  maxConcurrency: undefined,
  requestRate: Number.POSITIVE_INFINITY,
  hasTokenizer: true,
  percentileMetrics: ['e2el'],
}

/** The reports of vLLM-Ascend's tutorials for Qwen3-VL-Embedding-8B and Qwen3-VL-Reranker-8B. */
const embedding = {
  ...run(1000, 200_000, 200_000 / 10_240.42),
  latency: latency(10_360.53, 10_354.37, [99, 19_423.21]),
}
const reranker = {
  ...run(1000, 265_122, 265_122 / 19_351.23),
  latency: latency(7474.64, 7528.72, [99, 13_523.32]),
}

function run(completed: number, totalInputTokens: number, durationSec: number): Results {
  const perSec = (count: number) => count / durationSec
  const rates = { requestsPerSec: perSec(completed), tokensPerSec: perSec(totalInputTokens) }
  return { ...noResults, completed, totalInputTokens, durationSec, ...rates }
}

function latency(mean: number, median: number, ...percentiles: [number, number][]): Results['latency'] {
  return { mean, median, std: 0, percentiles: percentiles.map(([p, value]) => ({ p, value })) }
}

// The tutorials' pages lost the spaces at the ends of lines; ends of lines are marked here instead.
const embeddingBlock = `============ Serving Benchmark Result ============|
Successful requests:                     1000      |
Failed requests:                         0         |
Benchmark duration (s):                  19.53     |
Total input tokens:                      200000    |
Request throughput (req/s):              51.20     |
Total token throughput (tok/s):          10240.42  |
----------------End-to-end Latency----------------|
Mean E2EL (ms):                          10360.53  |
Median E2EL (ms):                        10354.37  |
P99 E2EL (ms):                           19423.21  |
==================================================|
`
const rerankerBlock = `============ Serving Benchmark Result ============|
Successful requests:                     1000      |
Failed requests:                         0         |
Benchmark duration (s):                  13.70     |
Total input tokens:                      265122    |
Request throughput (req/s):              72.99     |
Total token throughput (tok/s):          19351.23  |
----------------End-to-end Latency----------------|
Mean E2EL (ms):                          7474.64   |
Median E2EL (ms):                        7528.72   |
P99 E2EL (ms):                           13523.32  |
==================================================|
`

const loadLines = `Maximum request concurrency:             16        |
Request rate configured (RPS):           10.00     |
`

const check = (results: Results, options: Partial<BlockOptions>, expected: string) =>
  expect(reportBlock(results, { ...usual, ...options })).toBe(expected.replaceAll('|\n', '\n'))

describe('reportBlock', () => {
  it.each<[string, Results, string]>([
    ['Qwen3-VL-Embedding-8B', embedding, embeddingBlock],
    ['Qwen3-VL-Reranker-8B', reranker, rerankerBlock],
  ])('is that of the tutorial for %s', (_, results, expected) => {
    check(results, {}, expected)
  })

  it('has lines for concurrency, rate and percentiles', () => {
    const results = { ...reranker, failed: 3, latency: latency(1.125, 2, [50, 3], [99.9, 123_456_789.125]) }
    const expected = rerankerBlock
      .replace('Failed requests:                         0', 'Failed requests:                         3')
      .replace('Benchmark duration', `${loadLines}Benchmark duration`)
      .replace(
        /Mean[\s\S]*13523.32 {2}/,
        `Mean E2EL (ms):                          1.12      |
Median E2EL (ms):                        2.00      |
P50 E2EL (ms):                           3.00      |
P99.9 E2EL (ms):                         123456789.12`,
      )
    check(results, { maxConcurrency: 16, requestRate: 10 }, expected)
  })

  it('leaves out the rate of tokens without a tokenizer, and latencies nobody asked for', () => {
    const rows = rerankerBlock.split('\n')
    const expected = [...rows.slice(0, 6), ...rows.slice(11)].join('\n')
    check(reranker, { hasTokenizer: false, percentileMetrics: ['ttft', 'tpot'] }, expected)
  })
})
