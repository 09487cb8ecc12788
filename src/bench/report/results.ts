// The numbers of a finished run, from which every form of the report is made.

import type { Records } from '../load/records.js'
import { percentile, type Summary, summarise } from '../statistics.js'

export interface Results {
  completed: number
  failed: number
  /** Sent, and without an answer when the run was stopped. */
  unfinished: number
  notSent: number
  durationSec: number
  totalInputTokens: number
  requestsPerSec: number
  tokensPerSec: number
  /** Milliseconds from send to the head of the answer: vLLM's end-to-end latency. */
  latency: Summary
  /** Milliseconds from send to the last byte. */
  wholeLatency: Summary
  failures: readonly FailureCount[]
  /** Tokens that answers say were in the server's cache; undefined when none says so. */
  cachedTokens: number | undefined
  goodRequests: number | undefined
  drift: Drift | undefined
  /** When the last request was sent, in milliseconds after the start. */
  lastSentMs: number
}

export interface FailureCount {
  kind: string
  count: number
  /** What the first of them said. */
  example: string | undefined
}

/** How much later than planned requests were sent, in milliseconds. */
export interface Drift {
  median: number
  p99: number
  max: number
}

/** Limits in milliseconds; a request is good when it keeps all of them. */
export type Goodput = Readonly<Partial<Record<GoodputName, number>>>

/** A server that writes no text begins its answer when it has all of it: the two are one time here, as in vLLM. */
export const goodputNames = ['e2el', 'ttft'] as const
export type GoodputName = (typeof goodputNames)[number]

export interface ResultOptions {
  records: Records
  durationMs: number
  percentiles: readonly number[]
  goodput: Goodput | undefined
  /** [requests] seconds after the start; undefined when all were due at once. */
  due: Float64Array | undefined
}

export function resultsOf({ records, durationMs, percentiles, goodput, due }: ResultOptions): Results {
  const { numRequests, numSent, numCompleted, numFailed, numRunning, totalTokens } = records
  const durationSec = durationMs / 1000
  const latencies = records.latencies()
  return {
    completed: numCompleted,
    failed: numFailed,
    unfinished: numRunning,
    notSent: numRequests - numSent,
    durationSec,
    totalInputTokens: totalTokens,
    requestsPerSec: perSecond(numCompleted, durationSec),
    tokensPerSec: perSecond(totalTokens, durationSec),
    latency: summarise(latencies, percentiles),
    wholeLatency: summarise(records.wholeLatencies(), percentiles),
    failures: countFailures(records),
    cachedTokens: sumKnown(records.cachedTokens),
    goodRequests: goodput && countGood(latencies, goodput),
    drift: due && driftOf(records, due),
    lastSentMs: records.sentAt.reduce((last, at) => (at > last ? at : last), 0),
  }
}

const perSecond = (count: number, seconds: number): number => (seconds > 0 ? count / seconds : 0)

function countFailures({ failures }: Records): FailureCount[] {
  const counts = new Map<string, FailureCount>()
  // The array is sparse: forEach visits what is there.
  failures.forEach((failure) => {
    if (failure === undefined) return
    const { kind, detail } = failure
    const before = counts.get(kind)
    counts.set(kind, { kind, count: (before?.count ?? 0) + 1, example: before?.example ?? detail })
  })
  return [...counts.values()].sort((a, b) => b.count - a.count)
}

function sumKnown(values: Float64Array): number | undefined {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0)
}

function countGood(latencies: Float64Array, goodput: Goodput): number {
  const limit = Math.min(...goodputNames.map((name) => goodput[name] ?? Number.POSITIVE_INFINITY))
  return latencies.reduce((count, latency) => count + Number(latency <= limit), 0)
}

function driftOf({ sentAt }: Records, due: Float64Array): Drift | undefined {
  const late = sentAt
    .map((at, index) => at - 1000 * due[index]!)
    .filter((ms) => !Number.isNaN(ms))
    .sort()
  if (late.length === 0) return undefined
  return { median: percentile(late, 50), p99: percentile(late, 99), max: late.at(-1)! }
}
