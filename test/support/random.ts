// Repeatable random numbers for tests.

/** A generator of unsigned 32-bit integers (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
}

/** `count` floats in [−1, 1). */
export function randomFloats(next: () => number, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => next() / 2 ** 31 - 1)
}
