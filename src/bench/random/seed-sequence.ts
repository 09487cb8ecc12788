// NumPy's SeedSequence: spreads a seed over as many random words as a generator's state needs.

const poolSize = 4
const initA = 0x43b0d7e5
const multA = 0x931e8875
const initB = 0x8b51f9dd
const multB = 0x58f38ded
const mixLeft = 0xca01f9dd
const mixRight = 0x4973f715
const shift = 16

/** The first `count` 32-bit words that `np.random.SeedSequence(seed).generate_state(count)` gives; seed below 2^32. */
export function seedWords(seed: number, count: number): Uint32Array {
  const pool = mixedPool(seed)
  const words = new Uint32Array(count)
  let constant = initB
  for (let i = 0; i < count; i++) {
    const mixed = pool[i % poolSize]! ^ constant
    constant = Math.imul(constant, multB)
    const value = Math.imul(mixed, constant)
    words[i] = value ^ (value >>> shift)
  }
  return words
}

/** Every word of the pool depends on every other. */
function mixedPool(seed: number): Uint32Array {
  let constant = initA
  const hash = (value: number): number => {
    const mixed = value ^ constant
    constant = Math.imul(constant, multA)
    const product = Math.imul(mixed, constant)
    return product ^ (product >>> shift)
  }
  const pool = new Uint32Array(poolSize)
  for (let i = 0; i < poolSize; i++) pool[i] = hash(i === 0 ? seed : 0)
  for (let from = 0; from < poolSize; from++) {
    for (let to = 0; to < poolSize; to++) {
      if (from !== to) pool[to] = mix(pool[to]!, hash(pool[from]!))
    }
  }
  return pool
}

function mix(x: number, y: number): number {
  const result = Math.imul(mixLeft, x) - Math.imul(mixRight, y)
  return result ^ (result >>> shift)
}
