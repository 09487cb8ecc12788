// PCG64, the bit generator behind NumPy's default_rng: a 128-bit congruential generator with the XSL-RR output.

import { seedWords } from './seed-sequence.js'

/** O'Neill's multiplier 0x2360ed051fc65da44385df649fccf645, lowest word first. */
const [m0, m1, m2, m3] = [0x9fccf645, 0x4385df64, 0x1fc65da4, 0x2360ed05] as const

/** 32-bit words in place of a BigInt, and no lists of them in the loop: noise images take hundreds of millions of draws. */
export class Pcg64 {
  readonly #state: Uint32Array
  readonly #increment: Uint32Array
  /** The last 64-bit draw. */
  #low = 0
  #high = 0
  /** Whether the upper half of the last draw is still to be given out. */
  #halfLeft = false
  /** The upper half that is left; other draws may come before it is taken. */
  #half = 0

  /** As `np.random.PCG64(seed)`; seed below 2^32. */
  constructor(seed: number) {
    // Four 64-bit words, each lower half first: state high, state low, stream high, stream low.
    const words = seedWords(seed, 8)
    this.#increment = oddStream([words[6]!, words[7]!, words[4]!, words[5]!])
    this.#state = new Uint32Array(4)
    this.#step()
    add(this.#state, [words[2]!, words[3]!, words[0]!, words[1]!])
    this.#step()
  }

  /** Uniform 32 bits: the lower half of a 64-bit draw, then its upper half. */
  nextUint32(): number {
    if (this.#halfLeft) {
      this.#halfLeft = false
      return this.#half
    }
    this.#draw()
    this.#halfLeft = true
    this.#half = this.#high
    return this.#low
  }

  /** Uniform in [0, 1), from the upper 53 bits of a 64-bit draw; a half that is left stays. */
  nextDouble(): number {
    this.#draw()
    return (this.#high * 2 ** 21 + (this.#low >>> 11)) * 2 ** -53
  }

  /** The two halves of the state, one xor the other, rotated by the state's upper six bits. */
  #draw(): void {
    this.#step()
    const state = this.#state
    const low = state[0]! ^ state[2]!
    const high = state[1]! ^ state[3]!
    const by = state[3]! >>> 26
    const bits = by & 31
    const [a, b] = by < 32 ? [low, high] : [high, low]
    this.#low = (bits === 0 ? a : (a >>> bits) | (b << (32 - bits))) >>> 0
    this.#high = (bits === 0 ? b : (b >>> bits) | (a << (32 - bits))) >>> 0
  }

  /** state = state × multiplier + increment, modulo 2^128: products by columns of 32 bits, each below 2^53 in all. */
  #step(): void {
    const state = this.#state
    const increment = this.#increment
    const s0 = state[0]!
    const s1 = state[1]!
    const s2 = state[2]!
    const s3 = state[3]!
    const first = increment[0]! + lowHalf(s0, m0)
    const second = increment[1]! + Math.floor(first / 2 ** 32) + highHalf(s0, m0) + lowHalf(s0, m1) + lowHalf(s1, m0)
    const third =
      increment[2]! +
      Math.floor(second / 2 ** 32) +
      highHalf(s0, m1) +
      highHalf(s1, m0) +
      lowHalf(s0, m2) +
      lowHalf(s1, m1) +
      lowHalf(s2, m0)
    const fourth =
      increment[3]! +
      Math.floor(third / 2 ** 32) +
      highHalf(s0, m2) +
      highHalf(s1, m1) +
      highHalf(s2, m0) +
      lowHalf(s0, m3) +
      lowHalf(s1, m2) +
      lowHalf(s2, m1) +
      lowHalf(s3, m0)
    state[0] = first
    state[1] = second
    state[2] = third
    state[3] = fourth
  }
}

/** Lower 32 bits of the product of two 32-bit numbers. */
const lowHalf = (x: number, y: number): number => Math.imul(x, y) >>> 0

/** Upper 32 bits of the product of two 32-bit numbers. */
function highHalf(x: number, y: number): number {
  const x1 = x >>> 16
  const y1 = y >>> 16
  const x0 = x & 0xffff
  const y0 = y & 0xffff
  const middle = x1 * y0 + ((x0 * y0) >>> 16)
  const carry = x0 * y1 + (middle & 0xffff)
  return x1 * y1 + Math.floor(middle / 65_536) + Math.floor(carry / 65_536)
}

/** Adds 128-bit numbers in four words, lowest first. */
function add(sum: Uint32Array, other: readonly number[]): void {
  let carry = 0
  for (const [i, word] of other.entries()) {
    const total = sum[i]! + word + carry
    sum[i] = total
    carry = Math.floor(total / 2 ** 32)
  }
}

/** Twice the stream number plus one: an increment has to be odd. */
function oddStream(stream: readonly number[]): Uint32Array {
  let carry = 1
  return Uint32Array.from(stream, (word) => {
    const doubled = ((word << 1) | carry) >>> 0
    carry = word >>> 31
    return doubled
  })
}
