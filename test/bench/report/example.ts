// A finished run with chosen numbers.

import type { Exchange } from '#qvl/bench/load/exchange.js'
import type { Failure } from '#qvl/bench/load/failures.js'
import { Records } from '#qvl/bench/load/records.js'
import type { Results } from '#qvl/bench/report/results.js'

export const noResults: Results = {
  completed: 0,
  failed: 0,
  unfinished: 0,
  notSent: 0,
  durationSec: 1,
  totalInputTokens: 0,
  requestsPerSec: 0,
  tokensPerSec: 0,
  latency: { mean: 0, median: 0, std: 0, percentiles: [{ p: 99, value: 0 }] },
  wholeLatency: { mean: 0, median: 0, std: 0, percentiles: [{ p: 99, value: 0 }] },
  failures: [],
  cachedTokens: undefined,
  goodRequests: undefined,
  drift: undefined,
  lastSentMs: 0,
}

export interface Ended {
  sent: number
  headers?: number
  end: number
  tokens?: number
  cached?: number
  failure?: Failure
}

/** Requests of a run of `numRequests`, the first of which have ended so. Milliseconds after the start. */
export function recordsOf(ended: readonly Ended[], numRequests = ended.length): Records {
  const records = new Records(numRequests)
  for (const [index, { sent, headers = Number.NaN, end, tokens, cached, failure }] of ended.entries()) {
    records.numSent++
    // The part of an exchange that is recorded.
    const exchange: Pick<Exchange, 'index' | 'sentAt' | 'headersAt' | 'endAt' | 'tokens' | 'failure'> = {
      index,
      sentAt: sent,
      headersAt: headers,
      endAt: end,
      tokens: tokens === undefined ? undefined : { prompt: tokens, cached },
      failure,
    }
    records.add(exchange, 0)
  }
  return records
}
