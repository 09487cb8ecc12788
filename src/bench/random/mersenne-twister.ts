// MT19937, the bit generator behind Python's random module and NumPy's global generator.

const size = 624
const shift = 397
const upperMask = 0x80000000
const lowerMask = 0x7fffffff
const matrix = 0x9908b0df

export class MersenneTwister {
  readonly #state: Uint32Array
  #at = size

  private constructor(state: Uint32Array) {
    this.#state = state
  }

  /** As `np.random.seed(seed)`; seed below 2^32. */
  static fromSeed(seed: number): MersenneTwister {
    return new MersenneTwister(seededState(seed))
  }

  /** As Python's `random.seed(n)`, where the key is n in 32-bit words, lowest first. */
  static fromKey(key: readonly number[]): MersenneTwister {
    const state = seededState(19_650_218)
    let i = 1
    let j = 0
    const next = (): void => {
      i += 1
      if (i < size) return
      state[0] = state[size - 1]!
      i = 1
    }
    for (let left = Math.max(size, key.length); left > 0; left--) {
      state[i] = (state[i]! ^ Math.imul(scrambled(state[i - 1]!), 1_664_525)) + key[j]! + j
      j = (j + 1) % key.length
      next()
    }
    for (let left = size - 1; left > 0; left--) {
      state[i] = (state[i]! ^ Math.imul(scrambled(state[i - 1]!), 1_566_083_941)) - i
      next()
    }
    state[0] = upperMask
    return new MersenneTwister(state)
  }

  nextUint32(): number {
    if (this.#at === size) this.#refill()
    let word = this.#state[this.#at++]!
    word ^= word >>> 11
    word ^= (word << 7) & 0x9d2c5680
    word ^= (word << 15) & 0xefc60000
    return (word ^ (word >>> 18)) >>> 0
  }

  /** Uniform in [0, 1), from two words. */
  nextDouble(): number {
    const high = this.nextUint32() >>> 5
    const low = this.nextUint32() >>> 6
    return (high * 2 ** 26 + low) / 2 ** 53
  }

  #refill(): void {
    const state = this.#state
    for (let i = 0; i < size; i++) {
      const joined = (state[i]! & upperMask) | (state[(i + 1) % size]! & lowerMask)
      state[i] = state[(i + shift) % size]! ^ (joined >>> 1) ^ (joined & 1 ? matrix : 0)
    }
    this.#at = 0
  }
}

function seededState(seed: number): Uint32Array {
  const state = new Uint32Array(size)
  state[0] = seed
  for (let i = 1; i < size; i++) state[i] = Math.imul(scrambled(state[i - 1]!), 1_812_433_253) + i
  return state
}

const scrambled = (word: number): number => word ^ (word >>> 30)
