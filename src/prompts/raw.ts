// Prompts that arrive finished: a text with its own special tokens, as vLLM takes it, or token ids.

import { QvlError } from '../errors.js'
import { template } from '../text/rich-text.js'
import type { Tokenizer } from '../text/tokenizer.js'
import { fitPrompt } from './fit-prompt.js'
import type { Prompt, PromptLimits } from './prompt.js'
import { withinReach } from './reach.js'
import { type MediaPart, placeMedia, type Visuals } from './visuals.js'

export interface RawOptions {
  tokenizer: Tokenizer
  limits: PromptLimits
  /** Apply the tokenizer's post-processor. What it puts at the end is kept when the text is cut. */
  addSpecialTokens: boolean
}

/** Strings such as `<|im_end|>` in the text are special tokens. Throws INPUT_TOO_LONG, and REQUEST_INVALID without tokens. */
export function rawPrompt(text: string, { tokenizer, limits, addSpecialTokens }: RawOptions): Prompt {
  const { before, after } = addSpecialTokens ? tokenizer.around : { before: [], after: [] }
  const rich = [template(withinReach(text, tokenizer, limits))]
  const ids = [...before, ...tokenizer.encode(rich), ...after]
  const fitted = fitPrompt(ids, {
    limits,
    numTail: after.length,
    minTokens: () => before.length + after.length,
    texts: () => [{ start: before.length, end: ids.length - after.length }],
  })
  return { text: rich, ...notEmpty(fitted), prefixTokens: 0 }
}

export interface IdsOptions extends Omit<RawOptions, 'addSpecialTokens'> {
  vocabSize: number
  /** Of the images and videos among the ids. */
  visuals: Visuals | undefined
}

/** Ids that a client made. */
export interface FinishedIds {
  tokens: readonly number[]
  /** An empty list says that there are none; without it pad tokens are tokens like others. */
  media?: readonly MediaPart[] | undefined
  secondFrom?: number | undefined
}

/** Throws as `rawPrompt`, and for an id that the model does not have, and for images that do not fit the ids. */
export function idsPrompt({ tokens, media, secondFrom }: FinishedIds, options: IdsOptions): Prompt {
  const { tokenizer, limits, vocabSize, visuals } = options
  const unknown = tokens.find((id) => !(id >= 0 && id < vocabSize))
  if (unknown !== undefined) throw outOfVocabulary(unknown, vocabSize)
  const fitted = fitPrompt(tokens, {
    limits,
    numTail: 0,
    minTokens: () => 0,
    texts: () => [{ start: 0, end: tokens.length }],
  })
  const placed = media && placeMedia(fitted.ids, media, { tokenizer, visuals })
  const known = tokens.filter((id) => tokenizer.tokenText(id) !== undefined)
  return {
    text: [template(tokenizer.decode(known))],
    ...notEmpty(fitted),
    prefixTokens: 0,
    ...(placed && placed.length > 0 && { visuals: placed }),
    ...(secondFrom !== undefined && { secondFrom: checkSecond(secondFrom, tokenizer) }),
  }
}

/** A model without the second type of tokens has no row for it. */
function checkSecond(secondFrom: number, { aroundPair }: Tokenizer): number {
  if (aroundPair?.secondType === 1) return secondFrom
  throw new QvlError('REQUEST_INVALID', {
    what: 'This model does not tell the two texts of a pair apart.',
    why: 'Its tokens are all of one type.',
    do: 'Leave second_from out.',
    param: 'second_from',
  })
}

/** The first sentence is vLLM's. */
export const outOfVocabulary = (id: number, vocabSize: number): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `Token id ${id} is out of vocabulary.`,
    why: `The embedding table of the model ends at id ${vocabSize - 1}.`,
    do: 'Use ids of this model; in a text, leave the special token out.',
  })

/** There is no row to pool without a token. The first sentence is vLLM's. */
function notEmpty<Fitted extends { ids: Int32Array }>(fitted: Fitted): Fitted {
  if (fitted.ids.length > 0) return fitted
  throw new QvlError('REQUEST_INVALID', {
    what: 'The decoder prompt cannot be empty.',
    why: 'The model gives a vector for a token, and there is none.',
    do: 'Send at least one token.',
  })
}
