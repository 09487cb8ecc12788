// Keeping a prompt within its limit: refuse it, or cut the user's text and keep the tail that is pooled.

import { QvlError } from '../errors.js'
import type { Prompt, PromptLimits } from './prompt.js'

export interface FitOptions {
  limits: PromptLimits
  /** How many ids at the end are never cut. */
  numTail: number
  /** How many ids the template needs around an empty text. Only asked when the prompt is cut. */
  minTokens: () => number
  /** Ids that are kept wherever they stand (default: none). */
  keep?: (id: number) => boolean
}

/** The ids within the limit. Throws INPUT_TOO_LONG. */
export function fitPrompt(ids: readonly number[], options: FitOptions): Omit<Prompt, 'text'> {
  const { limits, numTail, minTokens, keep } = options
  const { maxTokens } = limits
  if (ids.length <= maxTokens) return { ids: Int32Array.from(ids) }
  if (limits.overflow === 'error') throw promptTooLong(ids.length, maxTokens)
  if (maxTokens < minTokens()) throw noRoomForTemplate(minTokens(), maxTokens)
  const tailStart = ids.length - numTail
  const head = cutRight(ids.slice(0, tailStart), maxTokens - numTail, keep)
  if (head.length + numTail > maxTokens) throw noRoomForTemplate(head.length + numTail, maxTokens)
  return { ids: Int32Array.from([...head, ...ids.slice(tailStart)]), cutFrom: ids.length }
}

/**
 * All ids that `keep` names and as many of the others, from the start, as make `room` together. Longer than `room` when the
 * kept ids alone are.
 */
export function cutRight(ids: readonly number[], room: number, keep?: (id: number) => boolean): number[] {
  if (keep === undefined) return ids.slice(0, room)
  let numOthers = Math.max(0, room - ids.filter(keep).length)
  return ids.filter((id) => keep(id) || numOthers-- > 0)
}

/** The first sentence is vLLM's, word for word: clients search for it. */
export function promptTooLong(numTokens: number, maxTokens: number): QvlError {
  return new QvlError('INPUT_TOO_LONG', {
    what:
      `This model's maximum context length is ${maxTokens} tokens. However, you requested 0 output tokens and your ` +
      `prompt contains ${numTokens} input tokens, for a total of ${numTokens} tokens.`,
    why: 'A longer prompt is only cut on request, because the cut part cannot count.',
    do: 'Shorten the text, or ask for a cut with truncate_prompt_tokens.',
  })
}

export function noRoomForTemplate(minTokens: number, maxTokens: number): QvlError {
  return new QvlError('INPUT_TOO_LONG', {
    what: `The limit of ${maxTokens} tokens leaves no room for any text.`,
    why: `The prompt template and the instruction alone take ${minTokens} tokens, and a prompt without them has no meaning.`,
    do: `Raise the limit above ${minTokens} tokens, or shorten the instruction.`,
  })
}
