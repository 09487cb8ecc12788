// Keeping a prompt within its limit: refuse it, or cut the user's text and keep the tail that is pooled.

import { QvlError } from '../errors.js'
import type { PromptLimits } from './prompt.js'

export interface FitOptions {
  limits: PromptLimits
  /** How many ids at the end are never cut. */
  numTail: number
  /** How many ids the template needs around an empty text. Only asked when the prompt is cut. */
  minTokens: () => number
  /** Where the user's texts stand, in the order in which they lose their starts. Only asked for such a cut. */
  texts: () => readonly TokenRange[]
  /** Ids that are kept wherever they stand (default: none). */
  keep?: (id: number) => boolean
  /** Some of the ids stand for images or videos. */
  hasVisuals?: boolean
}

/** Ids from `start` up to, but not including, `end`. */
export interface TokenRange {
  start: number
  end: number
}

export interface FittedIds {
  ids: Int32Array
  /** Number of tokens before the cut, when there was one. */
  cutFrom?: number
}

/** The ids within the limit. Throws INPUT_TOO_LONG. */
export function fitPrompt(ids: readonly number[], options: FitOptions): FittedIds {
  const { limits, numTail, minTokens, texts, keep, hasVisuals = false } = options
  const { maxTokens, side } = limits
  if (ids.length <= maxTokens) return { ids: Int32Array.from(ids) }
  if (limits.overflow === 'error') throw (hasVisuals ? visualsTooLong : promptTooLong)(ids.length, maxTokens)
  if (maxTokens < minTokens()) throw noRoomForTemplate(minTokens(), maxTokens)
  const tailStart = ids.length - numTail
  const cut =
    side === 'left'
      ? cutLeft(ids, ids.length - maxTokens, texts(), keep)
      : [...cutRight(ids.slice(0, tailStart), maxTokens - numTail, keep), ...ids.slice(tailStart)]
  if (cut.length > maxTokens) throw noRoomForTemplate(cut.length, maxTokens)
  return { ids: Int32Array.from(cut), cutFrom: ids.length }
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

/** Without `excess` ids from the starts of these texts, or as many as they have. */
function cutLeft(
  ids: readonly number[],
  excess: number,
  texts: readonly TokenRange[],
  keep: (id: number) => boolean = () => false,
): number[] {
  const dropped = new Set<number>()
  for (const { start, end } of texts) {
    for (let at = start; at < end && dropped.size < excess; at++) if (!keep(ids[at]!)) dropped.add(at)
  }
  return ids.filter((_, at) => !dropped.has(at))
}

/** The text is vLLM's, word for word: clients search for it. */
export function promptTooLong(numTokens: number, maxTokens: number): QvlError {
  return new QvlError('INPUT_TOO_LONG', {
    what:
      `This model's maximum context length is ${maxTokens} tokens. However, you requested 0 output tokens and your ` +
      `prompt contains ${numTokens} input tokens, for a total of ${numTokens} tokens. Please reduce the length of the ` +
      `input prompt or the number of requested output tokens. (parameter=input_tokens, value=${numTokens})`,
    do: 'A cut can be asked for with truncate_prompt_tokens.',
  })
}

/** The same once images have taken their tokens, in vLLM's words too. */
function visualsTooLong(numTokens: number, maxTokens: number): QvlError {
  return new QvlError('INPUT_TOO_LONG', {
    what:
      `The decoder prompt (length ${numTokens}) is longer than the maximum model length of ${maxTokens}. Make sure that ` +
      '`max_model_len` is no smaller than the number of text tokens plus multimodal tokens. For image inputs, the ' +
      'number of image tokens depends on the number of images, and possibly their aspect ratios as well.',
    do: 'Send smaller images, or set `max_pixels` in mm_processor_kwargs.',
  })
}

export function noRoomForTemplate(minTokens: number, maxTokens: number): QvlError {
  return new QvlError('INPUT_TOO_LONG', {
    what: `The limit of ${maxTokens} tokens leaves no room for any text.`,
    why: `The prompt template and the instruction alone take ${minTokens} tokens, and a prompt without them has no meaning.`,
    do: `Raise the limit above ${minTokens} tokens, or shorten the instruction.`,
  })
}
