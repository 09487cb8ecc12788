// Random prompts of an exact number of tokens: neighbouring tokens of the vocabulary, decoded and counted again.

import type { BenchTokenizer } from './tokenizer.js'

/** Rounds of decoding and encoding before a prompt is taken as it is. */
const maxRounds = 10

export interface FittedPrompt {
  prompt: string
  /** What the prompt encodes to. */
  ids: readonly number[]
  /** Tokens above the wanted length; below zero where some are missing. */
  excess: number
}

/** The tokens after `start` in the vocabulary without special tokens, which has no end: it begins again. */
export function neighbours({ allowedIds }: BenchTokenizer, start: number, length: number): number[] {
  return Array.from({ length }, (_, k) => allowedIds[(start + k) % allowedIds.length]!)
}

/**
 * Text does not always encode to the tokens that it was decoded from. Too many are cut, missing ones are drawn
 * (`draw(count)`), until the length holds.
 */
export function fitToLength(
  tokenizer: BenchTokenizer,
  tokens: readonly number[],
  length: number,
  draw: (count: number) => readonly number[],
): FittedPrompt {
  let next = tokens
  for (let round = 0; ; round++) {
    const prompt = tokenizer.decode(next)
    const ids = tokenizer.encode(prompt)
    const excess = ids.length - length
    if (excess === 0 || round === maxRounds) return { prompt, ids, excess }
    next = excess > 0 ? ids.slice(0, length) : [...ids, ...draw(-excess)]
  }
}

/** vLLM's warning about prompts that missed their length, where any did. */
export function excessWarning(excess: number): string[] {
  if (excess === 0) return []
  const difference = `${Math.abs(excess)} ${excess > 0 ? 'more' : 'fewer'} tokens`
  return [`Across all generated prompts, there were ${difference} than expected after decoding and re-encoding.`]
}
