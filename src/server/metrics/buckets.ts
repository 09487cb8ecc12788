// The bounds of histogram buckets.

/** vLLM's bounds for latencies begin at 0.3 s; small models on short texts are answered well below that. */
export const latencyBuckets = [
  0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480,
]

/** 1, 2, 5, 10, 20, 50, … up to `max`, as vLLM makes them for token counts. */
export function tokenBuckets(max: number): number[] {
  const buckets: number[] = []
  for (let power = 1; power <= max; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power <= max) buckets.push(step * power)
  }
  return buckets
}
