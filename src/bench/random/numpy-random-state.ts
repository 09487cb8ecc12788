// The draws of NumPy's global generator (`np.random.seed(seed)`) that vLLM makes: arrival gaps and repeated prefixes.

import { MersenneTwister } from './mersenne-twister.js'

export class NumpyRandomState {
  readonly #bits: MersenneTwister
  /** The second of a pair of normal draws. */
  #normal: number | undefined

  /** Seed below 2^32. */
  constructor(seed: number) {
    this.#bits = MersenneTwister.fromSeed(seed)
  }

  /** As `np.random.randint(0, high, size=count)`, high below 2^32: masked words, drawn again while too large. */
  integers(high: number, count: number): number[] {
    const max = high - 1
    const mask = max === 0 ? 0 : 0xffffffff >>> Math.clz32(max)
    return Array.from({ length: count }, () => {
      if (max === 0) return 0
      for (;;) {
        const value = (this.#bits.nextUint32() & mask) >>> 0
        if (value <= max) return value
      }
    })
  }

  /** As `np.random.gamma(shape, scale)`, to the accuracy of Math.log and Math.pow. */
  gamma(shape: number, scale: number): number {
    return scale * this.#standardGamma(shape)
  }

  #standardGamma(shape: number): number {
    if (shape === 1) return this.#exponential()
    return shape < 1 ? this.#smallGamma(shape) : this.#largeGamma(shape)
  }

  #exponential(): number {
    return -Math.log(1 - this.#bits.nextDouble())
  }

  /** Ahrens and Dieter's rejection, for shapes below one. */
  #smallGamma(shape: number): number {
    for (;;) {
      const uniform = this.#bits.nextDouble()
      const exponential = this.#exponential()
      if (uniform <= 1 - shape) {
        const value = uniform ** (1 / shape)
        if (value <= exponential) return value
      } else {
        const rest = -Math.log((1 - uniform) / shape)
        const value = (1 - shape + shape * rest) ** (1 / shape)
        if (value <= exponential + rest) return value
      }
    }
  }

  /** Marsaglia and Tsang's rejection, for shapes above one. */
  #largeGamma(shape: number): number {
    const b = shape - 1 / 3
    const c = 1 / Math.sqrt(9 * b)
    for (;;) {
      const normal = this.#standardNormal()
      const root = 1 + c * normal
      if (root <= 0) continue
      const cube = root * root * root
      const uniform = this.#bits.nextDouble()
      const square = normal * normal
      if (uniform < 1 - 0.0331 * square * square) return b * cube
      if (Math.log(uniform) < 0.5 * square + b * (1 - cube + Math.log(cube))) return b * cube
    }
  }

  /** Marsaglia's polar method gives two at a time. */
  #standardNormal(): number {
    const kept = this.#normal
    if (kept !== undefined) {
      this.#normal = undefined
      return kept
    }
    for (;;) {
      const x = 2 * this.#bits.nextDouble() - 1
      const y = 2 * this.#bits.nextDouble() - 1
      const square = x * x + y * y
      if (square >= 1 || square === 0) continue
      const factor = Math.sqrt((-2 * Math.log(square)) / square)
      this.#normal = factor * x
      return factor * y
    }
  }
}
