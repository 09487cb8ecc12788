// How long random prompts are and where in the vocabulary they start.

import { QvlError } from '../../errors.js'
import type { NumpyGenerator } from '../random/numpy-generator.js'
import type { RangeRatio } from './options.js'
import type { BenchTokenizer } from './tokenizer.js'

export interface LengthOptions {
  /** Tokens of a prompt with what the tokenizer puts around it. */
  inputLen: number
  outputLen: number
  rangeRatio: RangeRatio
}

export interface Lengths {
  inputLens: readonly number[]
  /** Where in the vocabulary each prompt starts. */
  offsets: readonly number[]
}

/** Draws `count` of each; output lengths are drawn in between, as vLLM does. Throws USAGE. */
export function drawLengths(
  random: NumpyGenerator,
  count: number,
  tokenizer: BenchTokenizer,
  options: LengthOptions,
): Lengths {
  const ratio = checkRangeRatio(options.rangeRatio)
  const inputs = spread(ownLength(options.inputLen, tokenizer), ratio.input)
  const outputs = spread(options.outputLen, ratio.output)
  const inputLens = random.integers(inputs.low, inputs.high + 1, count)
  random.integers(Math.max(outputs.low, 1), Math.max(outputs.high, 1) + 1, count)
  return { inputLens, offsets: random.integers(0, tokenizer.vocabSize, count) }
}

/** The shortest prompt that `drawLengths` may draw. */
export function shortestLength(tokenizer: BenchTokenizer, { inputLen, rangeRatio }: LengthOptions): number {
  return spread(ownLength(inputLen, tokenizer), checkRangeRatio(rangeRatio).input).low
}

/** A length without the tokens that go around the text. */
export function ownLength(length: number, { numSpecialTokens }: BenchTokenizer): number {
  return Math.max(0, length - numSpecialTokens)
}

function spread(length: number, ratio: number): { low: number; high: number } {
  return { low: Math.floor(length * (1 - ratio)), high: Math.ceil(length * (1 + ratio)) }
}

function checkRangeRatio(ratio: RangeRatio): { input: number; output: number } {
  const { input, output } = typeof ratio === 'number' ? { input: ratio, output: ratio } : ratio
  if (input >= 0 && input < 1 && output >= 0 && output < 1) return { input, output }
  throw new QvlError('USAGE', {
    what: `--random-range-ratio has the value ${JSON.stringify(ratio)}.`,
    why: 'It is the part of a length by which lengths may differ, from 0 to below 1.',
    do: 'Give a number such as 0.2, or {"input": 0.2, "output": 0}.',
    param: '--random-range-ratio',
  })
}
