// Repeatable random numbers, the same on every machine.

/** Evenly distributed unsigned 32-bit integers: a Weyl sequence through the finaliser of MurmurHash3. */
export function randomIntegers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let bits = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    return (bits ^ (bits >>> 16)) >>> 0
  }
}

/** Numbers of mean 0 and deviation 1 (Box–Muller). */
export function normalNumbers(seed: number): () => number {
  const next = randomIntegers(seed)
  const uniform = (): number => (next() + 0.5) / 2 ** 32
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}
