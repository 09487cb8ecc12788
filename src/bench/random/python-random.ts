// The draws of Python's random module (`random.seed(seed)`) that vLLM makes: shuffling rows and repeating some.

import { MersenneTwister } from './mersenne-twister.js'

export class PythonRandom {
  readonly #bits: MersenneTwister

  /** Seed below 2^32. */
  constructor(seed: number) {
    this.#bits = MersenneTwister.fromKey([seed])
  }

  /** As `random.choice(items)`; there must be one. */
  choice<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!
  }

  /** As `random.shuffle(items)`: in place. */
  shuffle<T>(items: T[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.#below(i + 1)
      const item = items[i]!
      items[i] = items[j]!
      items[j] = item
    }
  }

  /** As many leading bits of a word as `count` has, drawn again while too large. */
  #below(count: number): number {
    const unused = Math.clz32(count)
    for (;;) {
      const value = this.#bits.nextUint32() >>> unused
      if (value < count) return value
    }
  }
}
