// Texts that are far too long for the model: known by their characters alone, before they are tokenised.

import { QvlError } from '../errors.js'
import type { Tokenizer } from '../text/tokenizer.js'
import { cutToTokens, cutToUnits } from './cut-text.js'
import type { PromptLimits } from './prompt.js'

/** A user's text as it goes into a prompt: cut to `maxTokens` where that is asked for, and within reach. */
export function fitText(
  text: string,
  maxTokens: number | undefined,
  tokenizer: Tokenizer,
  limits: PromptLimits,
): string {
  return withinReach(maxTokens === undefined ? text : cutToTokens(text, maxTokens, tokenizer), tokenizer, limits)
}

/**
 * The part of a user's text that can count: all of it, or where a cut is asked for, as much as the limit could hold of the
 * longest tokens. Throws INPUT_TOO_LONG where no cut is asked for.
 */
export function withinReach(text: string, { maxTokenChars }: Tokenizer, limits: PromptLimits): string {
  const { maxTokens, overflow, side } = limits
  const maxChars = maxTokens * maxTokenChars
  if (text.length <= maxChars) return text
  // One token more, so that the ids are still seen to be too many.
  if (overflow === 'truncate') return cutToUnits(text, maxChars + maxTokenChars, side)
  const numChars = numCharacters(text)
  if (numChars <= maxChars) return text
  throw farTooLong(numChars, maxChars, maxTokens)
}

/** As Python counts them. */
function numCharacters(text: string): number {
  let pairs = 0
  for (let i = 0; i + 1 < text.length; i++) {
    const isHigh = (text.charCodeAt(i) & 0xfc00) === 0xd800
    if (isHigh && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) pairs++
  }
  return text.length - pairs
}

/** The text is vLLM's, word for word: clients search for it. */
function farTooLong(numChars: number, maxChars: number, maxTokens: number): QvlError {
  return new QvlError('INPUT_TOO_LONG', {
    what:
      `This model's maximum context length is ${maxTokens} tokens. However, you requested 0 output tokens and your ` +
      `prompt contains ${numChars} characters (more than ${maxChars} characters, which is the upper bound for ` +
      `${maxTokens} input tokens). Please reduce the length of the input prompt or the number of requested output ` +
      `tokens. (parameter=input_text, value=${numChars})`,
    do: 'A cut can be asked for with truncate_prompt_tokens.',
  })
}
