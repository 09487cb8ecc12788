// Statistics as NumPy computes them, so that reports agree with vLLM's.

export interface Summary {
  mean: number
  median: number
  /** Of the population: divided by n. */
  std: number
  /** In the order asked for. */
  percentiles: readonly { p: number; value: number }[]
}

/** All zero without values, as vLLM has it. */
export function summarise(values: Float64Array, percentiles: readonly number[]): Summary {
  const sorted = (values.length === 0 ? new Float64Array(1) : values.slice()).sort()
  const mean = pairwiseSum(sorted, 0, sorted.length) / sorted.length
  const squares = sorted.map((value) => (value - mean) ** 2)
  return {
    mean,
    median: percentile(sorted, 50),
    std: Math.sqrt(pairwiseSum(squares, 0, squares.length) / squares.length),
    percentiles: percentiles.map((p) => ({ p, value: percentile(sorted, p) })),
  }
}

/** `numpy.percentile` with its default method, `linear`. `sorted` ascends and is not empty. */
export function percentile(sorted: Float64Array, p: number): number {
  const position = (p / 100) * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  const part = position - below
  // NumPy goes from the nearer end, so that the result is exact at both.
  return part >= 0.5 ? high - (high - low) * (1 - part) : low + (high - low) * part
}

const blockSize = 128

/** Sums halves apart, as NumPy does: errors grow with the logarithm of n. */
function pairwiseSum(values: Float64Array, from: number, to: number): number {
  if (to - from <= blockSize) {
    let sum = 0
    for (let index = from; index < to; index++) sum += values[index]!
    return sum
  }
  const middle = from + ((to - from) >> 1)
  return pairwiseSum(values, from, middle) + pairwiseSum(values, middle, to)
}
