// What the report says beyond vLLM's block: failures by reason, tokens saved, how late requests were sent, a histogram.

import { fixed2 } from '../python.js'
import { line } from './block.js'
import { barText, histogram } from './histogram.js'
import type { Goodput, Results } from './results.js'
import type { ServerTokens } from './server-tokens.js'

export interface DetailOptions {
  goodput: Goodput | undefined
  /** Counted by the server over the run, where it has /metrics. */
  server: ServerTokens
  latencies: Float64Array
  maxConcurrency: number | undefined
}

export function detailLines(results: Results, options: DetailOptions): string {
  const sections = [
    failureLines(results),
    stoppedLines(results),
    tokenLines(results, options.server),
    latencyLines(results),
    driftLines(results, options.maxConcurrency),
    goodputLines(results, options.goodput),
    histogramLines(options.latencies),
  ]
  return sections
    .flat()
    .map((text) => `${text.trimEnd()}\n`)
    .join('')
}

function failureLines({ failures }: Results): string[] {
  return failures.flatMap(({ kind, count, example }) => [
    line(`Failed, ${kind}:`, String(count)),
    ...(example === undefined ? [] : [`  first: ${example}`]),
  ])
}

function stoppedLines({ unfinished, notSent }: Results): string[] {
  if (unfinished + notSent === 0) return []
  return [line('Stopped before an answer:', String(unfinished)), line('Not sent:', String(notSent))]
}

/** Answers say it of themselves; what /metrics counts is of all clients of the server. */
function tokenLines({ cachedTokens, totalInputTokens }: Results, { computed, cached }: ServerTokens): string[] {
  const found = cachedTokens ?? cached
  const rest = computed ?? (found === undefined ? undefined : Math.max(0, totalInputTokens - found))
  return [
    ...(rest === undefined ? [] : [line('Computed tokens:', String(rest))]),
    ...(found === undefined ? [] : [line('Cached tokens:', String(found))]),
  ]
}

function latencyLines({ completed, wholeLatency }: Results): string[] {
  if (completed === 0) return []
  return [
    line('Mean to last byte (ms):', fixed2(wholeLatency.mean)),
    line('Median to last byte (ms):', fixed2(wholeLatency.median)),
  ]
}

/** All at once takes its time too: a client that is slow to send would make a server look fast. */
function driftLines({ drift, lastSentMs }: Results, maxConcurrency: number | undefined): string[] {
  if (drift === undefined) {
    return maxConcurrency === undefined ? [line('Last request sent after (ms):', fixed2(lastSentMs))] : []
  }
  const label = maxConcurrency === undefined ? 'Sent late' : 'Sent late, waits for a place included'
  return [
    line(`${label}, median (ms):`, fixed2(drift.median)),
    line('  P99 (ms):', fixed2(drift.p99)),
    line('  most (ms):', fixed2(drift.max)),
  ]
}

function goodputLines({ goodRequests, completed, durationSec }: Results, goodput: Goodput | undefined): string[] {
  if (goodRequests === undefined || goodput === undefined) return []
  const limits = Object.entries(goodput).map(([name, ms]) => `${name} ${ms} ms`)
  return [
    line(`Requests within ${limits.join(', ')}:`, `${goodRequests} of ${completed}`),
    line('Request goodput (req/s):', fixed2(durationSec > 0 ? goodRequests / durationSec : 0)),
  ]
}

const numRows = 10
const barWidth = 40

function histogramLines(latencies: Float64Array): string[] {
  if (latencies.length === 0) return []
  const bins = histogram(latencies, numRows)
  const most = Math.max(...bins.map(({ count }) => count))
  const labels = bins.map(({ from, to }) => `${fixed2(from)} - ${fixed2(to)} ms`)
  const width = Math.max(...labels.map((label) => label.length))
  return [
    'Latency:',
    ...bins.map(({ count }, index) => {
      return `  ${labels[index]!.padStart(width)}  ${barText(count / most, barWidth)} ${count}`
    }),
  ]
}
