// One side of a request as the text that stands in the prompt, and both sides of a reranker's request unwrapped.

import type { Tokenizer } from '../text/tokenizer.js'
import { type Content, textsOf } from './content.js'
import { givenInstruction } from './instruction.js'
import type { PromptLimits, ScoreItem } from './prompt.js'
import { fitText } from './reach.js'
import { unwrapDocument, unwrapQuery } from './unwrap.js'

/** Reads one side of a request. `param` names it in errors. Throws MEDIA_UNSUPPORTED. */
export type ReadSide = (content: Content, param?: string) => string

/** A text-only model: parts are joined as vLLM joins them. */
export const textSide: ReadSide = (content, param) =>
  textsOf(content, { why: 'This model reads text only.', param }).join('\n')

/**
 * A VL model: parts follow each other without a separator, and nothing at all is NULL. An empty string is a part that shows
 * as nothing.
 */
export const vlSide: ReadSide = (content, param) => {
  const why = 'The model reads images and videos, but this version of qvl handles text only.'
  const texts = textsOf(content, { why, param })
  return texts.length === 0 ? 'NULL' : texts.join('')
}

export interface BarePair {
  query: string
  document: string
  instruction: string | undefined
}

export interface PairReader {
  side: ReadSide
  tokenizer: Tokenizer
  /** Called when a text arrived in the prompt template. */
  onWrapped: () => void
}

/** The bare texts of a pair, as far as they count. Throws MEDIA_UNSUPPORTED and INPUT_TOO_LONG. */
export function barePair(item: ScoreItem, limits: PromptLimits, { side, tokenizer, onWrapped }: PairReader): BarePair {
  const query = side(item.query, 'query')
  const document = side(item.document)
  const bareQuery = unwrapQuery(query)
  const bareDocument = unwrapDocument(document)
  if (bareQuery !== undefined || bareDocument !== undefined) onWrapped()
  const fit = (text: string, maxTokens: number | undefined) => fitText(text, maxTokens, tokenizer, limits)
  return {
    query: fit(bareQuery?.text ?? query, item.maxTokensPerQuery),
    document: fit(bareDocument?.text ?? document, item.maxTokensPerDoc),
    instruction: givenInstruction(item.instruction) ?? bareQuery?.instruction,
  }
}
