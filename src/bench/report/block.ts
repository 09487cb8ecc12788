// vLLM's report of a run, byte for byte: lines are padded, so that many end in spaces.

import { fixed2 } from '../python.js'
import type { Results } from './results.js'

export interface BlockOptions {
  maxConcurrency: number | undefined
  /** Infinite: not shown. */
  requestRate: number
  /** Without a tokenizer vLLM leaves out the rate of tokens. */
  hasTokenizer: boolean
  /** `e2el` is the one that servers without text have. */
  percentileMetrics: readonly string[]
}

const width = 50

export function reportBlock(results: Results, options: BlockOptions): string {
  const { maxConcurrency, requestRate, hasTokenizer, percentileMetrics } = options
  const lines = [
    heading(' Serving Benchmark Result ', '='),
    line('Successful requests:', String(results.completed)),
    line('Failed requests:', String(results.failed)),
    ...(maxConcurrency === undefined ? [] : [line('Maximum request concurrency:', String(maxConcurrency))]),
    ...(Number.isFinite(requestRate) ? [line('Request rate configured (RPS):', fixed2(requestRate))] : []),
    line('Benchmark duration (s):', fixed2(results.durationSec)),
    line('Total input tokens:', String(results.totalInputTokens)),
    line('Request throughput (req/s):', fixed2(results.requestsPerSec)),
    ...(hasTokenizer ? [line('Total token throughput (tok/s):', fixed2(results.tokensPerSec))] : []),
    ...(percentileMetrics.includes('e2el') ? latencyLines(results) : []),
    '='.repeat(width),
  ]
  return lines.map((text) => `${text}\n`).join('')
}

function latencyLines({ latency }: Results): string[] {
  return [
    heading('End-to-end Latency', '-'),
    line('Mean E2EL (ms):', fixed2(latency.mean)),
    line('Median E2EL (ms):', fixed2(latency.median)),
    ...latency.percentiles.map(({ p, value }) => line(`P${percentName(p)} E2EL (ms):`, fixed2(value))),
  ]
}

/** `99`, `99.9`. */
export const percentName = (p: number): string => String(p)

export const line = (label: string, value: string): string => `${label.padEnd(40)} ${value.padEnd(10)}`

/** Python's `str.center` gives the odd place to the right when the width is even, which it is. */
function heading(text: string, fill: string): string {
  const left = (width - text.length) >> 1
  return text.padStart(text.length + left, fill).padEnd(width, fill)
}
