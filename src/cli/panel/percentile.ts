// Percentiles of a histogram, as Prometheus' histogram_quantile reckons them.

import type { Histogram } from './sample.js'

/** What came between two readings. */
export function between(before: Histogram, after: Histogram): Histogram {
  return new Map([...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)]))
}

/**
 * Values are taken to lie evenly in their bucket. Undefined without values; one above all bounds counts as the largest
 * bound. `share` is 0 to 1.
 */
export function percentile(histogram: Histogram, share: number): number | undefined {
  const buckets = [...histogram]
  const total = buckets.at(-1)?.[1] ?? 0
  if (total <= 0) return undefined
  const rank = share * total
  let [low, below] = [0, 0]
  for (const [bound, count] of buckets) {
    if (count >= rank && count > below) {
      return Number.isFinite(bound) ? low + ((bound - low) * Math.max(0, rank - below)) / (count - below) : low
    }
    if (Number.isFinite(bound)) low = bound
    below = count
  }
  return low
}
