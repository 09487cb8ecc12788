// Dataset `random`: prompts of given lengths, alone or in batches.

import { QvlError } from '../../errors.js'
import { NumpyGenerator } from '../random/numpy-generator.js'
import { drawLengths, type LengthOptions, type Lengths, shortestLength } from './lengths.js'
import { pauses } from './pause.js'
import type { BenchRequest } from './request.js'
import { excessWarning, fitToLength, neighbours } from './sequence.js'
import type { BenchTokenizer } from './tokenizer.js'

export interface RandomOptions extends LengthOptions {
  seed: number
  numPrompts: number
  /** Tokens that all prompts begin with, on top of inputLen. */
  prefixLen: number
  batchSize: number
  signal: AbortSignal | undefined
}

/** Throws USAGE when a prompt could be empty. */
export async function randomRequests(
  tokenizer: BenchTokenizer,
  options: RandomOptions,
): Promise<{ requests: BenchRequest[]; warnings: string[] }> {
  checkLengths(tokenizer, options)
  const maker = new RandomPrompts(tokenizer, options)
  const pause = pauses(options.signal)
  const prompts: RandomPrompt[] = []
  for (let i = 0; i < options.numPrompts; i++) {
    prompts.push(maker.next())
    await pause()
  }
  return { requests: batches(prompts, options.batchSize), warnings: maker.warnings() }
}

export type RandomPrompt = BenchRequest & { prompt: string }

/** Prompts in the order of vLLM's draws: all lengths and offsets, the common prefix, then what each prompt lacks. */
export class RandomPrompts {
  readonly random: NumpyGenerator
  readonly #lengths: Lengths
  readonly #prefix: readonly number[]
  #index = 0
  #excess = 0

  constructor(
    private readonly tokenizer: BenchTokenizer,
    private readonly options: RandomOptions,
  ) {
    this.random = new NumpyGenerator(options.seed)
    this.#lengths = drawLengths(this.random, options.numPrompts, tokenizer, options)
    this.#prefix = this.#drawPrefix(options.prefixLen)
  }

  next(): RandomPrompt {
    const index = this.#index++
    const { inputLens, offsets } = this.#lengths
    const length = inputLens[index]!
    const tokens = [...this.#prefix, ...neighbours(this.tokenizer, offsets[index]! + index, length)]
    const fitted = this.#fit(tokens, this.options.prefixLen + length)
    this.#excess += fitted.excess
    return { prompt: fitted.prompt, promptLen: fitted.ids.length }
  }

  warnings(): string[] {
    return excessWarning(this.#excess)
  }

  #drawPrefix(length: number): readonly number[] {
    if (length === 0) return []
    const { allowedIds } = this.tokenizer
    const drawn = this.random.integers(0, allowedIds.length, length).map((at) => allowedIds[at]!)
    return this.#fit(drawn, length).ids
  }

  #fit(tokens: readonly number[], length: number) {
    const draw = (count: number) => this.random.integers(0, this.tokenizer.vocabSize, count)
    return fitToLength(this.tokenizer, tokens, length, draw)
  }
}

function checkLengths(tokenizer: BenchTokenizer, options: RandomOptions): void {
  const shortest = options.prefixLen + shortestLength(tokenizer, options)
  if (shortest >= 1) return
  throw new QvlError('USAGE', {
    what: `--random-input-len ${options.inputLen} can give prompts without a token.`,
    why: `${tokenizer.numSpecialTokens} of them go around a text, and --random-range-ratio makes some shorter.`,
    do: 'Increase --random-input-len or --random-prefix-len, or decrease --random-range-ratio.',
    param: '--random-input-len',
  })
}

function batches(prompts: readonly RandomPrompt[], size: number): BenchRequest[] {
  if (size === 1) return [...prompts]
  const requests: BenchRequest[] = []
  for (let at = 0; at < prompts.length; at += size) {
    const batch = prompts.slice(at, at + size)
    const promptLen = batch.reduce((sum, each) => sum + each.promptLen, 0)
    requests.push({ prompt: batch.map((each) => each.prompt), promptLen })
  }
  return requests
}
