// How often values fall into ranges of equal width.

export interface Bin {
  from: number
  to: number
  count: number
}

/** `values` is not empty; the last range has its end. One range is enough for equal values. */
export function histogram(values: Float64Array, numBins: number): Bin[] {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  const bins = high > low ? numBins : 1
  const width = (high - low) / bins
  const counts = new Array<number>(bins).fill(0)
  for (const value of values) counts[Math.min(bins - 1, Math.floor((value - low) / width || 0))]!++
  return counts.map((count, index) => ({
    from: low + index * width,
    to: index === bins - 1 ? high : low + (index + 1) * width,
    count,
  }))
}

/** Eighths of a block, from none to seven. */
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar of `part` (0 to 1) of `width` characters; something rather than nothing for a small part. */
export function barText(part: number, width: number): string {
  const units = part > 0 ? Math.max(1, Math.round(part * width * 8)) : 0
  return '█'.repeat(units >> 3) + eighths[units & 7]!
}
