// The draws of NumPy's Generator (`np.random.default_rng(seed)`) that vLLM's random datasets make.

import { Pcg64 } from './pcg64.js'

const wordRange = 2 ** 32

export class NumpyGenerator {
  readonly #bits: Pcg64

  /** Seed below 2^32. */
  constructor(seed: number) {
    this.#bits = new Pcg64(seed)
  }

  /** As `integers(low, high)`: uniform in [low, high), high - low below 2^32. Only one possible value draws nothing. */
  integer(low: number, high: number): number {
    const range = high - low
    return range === 1 ? low : low + this.#below(range)
  }

  /** As `integers(low, high, size=count)`. */
  integers(low: number, high: number, count: number): number[] {
    return Array.from({ length: count }, () => this.integer(low, high))
  }

  /** As `integers(0, 256, size=count, dtype=np.uint8)`: the bytes of each 32-bit draw, lowest first. */
  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let at = 0; at < count; at += 4) {
      let word = this.#bits.nextUint32()
      const end = Math.min(at + 4, count)
      for (let i = at; i < end; i++) {
        bytes[i] = word
        word >>>= 8
      }
    }
    return bytes
  }

  /** As `random()`: uniform in [0, 1). */
  random(): number {
    return this.#bits.nextDouble()
  }

  /** As `choice(n, p=probabilities)`: an index. */
  choice(probabilities: readonly number[]): number {
    let sum = 0
    const cumulative = probabilities.map((probability) => {
      sum += probability
      return sum
    })
    const drawn = this.random()
    return cumulative.findIndex((each) => drawn < each / sum)
  }

  /** Lemire's multiplication with rejection, on 32 bits. */
  #below(range: number): number {
    const threshold = wordRange % range
    for (;;) {
      const word = this.#bits.nextUint32()
      // The product has up to 64 bits: its two halves, each exact in a double.
      const upper = Math.floor(word / 65_536) * range
      const lower = (word & 0xffff) * range
      const middle = (upper % 65_536) * 65_536 + lower
      if (middle % wordRange >= threshold) return Math.floor(upper / 65_536) + Math.floor(middle / wordRange)
    }
  }
}
