// Images of noise, already cut into patches: what decoding and resizing cost is not what a throughput run measures.

import { createHash } from 'node:crypto'
import type { VisionConfig } from '../../checkpoint/config.js'
import type { Visual, VisualFacts } from '../../media/visual.js'
import { randomIntegers } from './random.js'

type Noise = VisualFacts & Pick<Visual, 'patches'>

export class NoiseImages {
  readonly byKey = new Map<string, Noise>()
  readonly #shape: Omit<Noise, 'key'>

  /** Images of so many tokens, as near to a square as the number allows. */
  constructor(config: VisionConfig, { tokens, seed }: { tokens: number; seed: number }) {
    const { inChannels, temporalPatchSize, patchSize, spatialMergeSize: side } = config
    const height = largestDivisor(tokens, Math.sqrt(tokens))
    const width = tokens / height
    const grid = [1, height * side, width * side] as const
    const patchWidth = inChannels * temporalPatchSize * patchSize ** 2
    // They are told apart by their keys alone: the same noise in all of them costs the tower as much, and less memory.
    const pixels = noise(tokens * side ** 2 * patchWidth, seed)
    const patches = async () => ({ grid, pixels })
    this.#shape = { kind: 'image', grid, tokens: { height, width }, times: [], patches }
  }

  /** The next image, unlike all before it. */
  next(): VisualFacts {
    const key = createHash('sha256').update(`noise ${this.byKey.size}`).digest('hex')
    const visual = { ...this.#shape, key }
    this.byKey.set(key, visual)
    return visual
  }
}

function largestDivisor(of: number, most: number): number {
  for (let divisor = Math.floor(most); divisor > 1; divisor--) if (of % divisor === 0) return divisor
  return 1
}

/** From −1 to 1, as pixels are. */
function noise(length: number, seed: number): Float32Array {
  const next = randomIntegers(seed)
  return Float32Array.from({ length }, () => next() / 2 ** 31 - 1)
}
