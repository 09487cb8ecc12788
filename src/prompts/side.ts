// One side of a request as the text that stands in the prompt, and both sides of a reranker's request unwrapped.

import type { Tokenizer } from '../text/tokenizer.js'
import { type Content, textsOf } from './content.js'
import { givenInstruction } from './instruction.js'
import type { PromptLimits, ScoreItem } from './prompt.js'
import { fitText } from './reach.js'
import { unwrapDocument, unwrapQuery } from './unwrap.js'
import type { VisualMarks } from './visuals.js'

/** One side of a request, as its place in the prompt takes it. */
export interface Side {
  /** The marks of images and videos, which stand before the text. */
  visuals: string
  text: string
}

/** Reads one side of a request. `param` names it in errors. Throws MEDIA_UNSUPPORTED. */
export type ReadSide = (content: Content, param?: string) => Side

/** A text-only model: parts are joined as vLLM joins them. */
export const textSide: ReadSide = (content, param) => ({
  visuals: '',
  text: textsOf(content, { why: 'This model reads text only.', param }).join('\n'),
})

/**
 * A VL model: videos, images, then texts follow each other without a separator, and nothing at all is NULL. An empty
 * string is a part that shows as nothing.
 */
export const vlSide =
  (marks: VisualMarks): ReadSide =>
  (content, param) => {
    const visuals = marks.marksOf(content, param)
    if (typeof content === 'string') return { visuals, text: content }
    if (content.length === 0) return { visuals, text: 'NULL' }
    return { visuals, text: content.flatMap((part) => (part.type === 'text' ? part.text : [])).join('') }
  }

/** Both sides with the marks of their images and videos before their texts. */
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
  const bareQuery = unwrapQuery(query.text)
  const bareDocument = unwrapDocument(document.text)
  if (bareQuery !== undefined || bareDocument !== undefined) onWrapped()
  const fit = (text: string, maxTokens: number | undefined) => fitText(text, maxTokens, tokenizer, limits)
  return {
    query: query.visuals + fit(bareQuery?.text ?? query.text, item.maxTokensPerQuery),
    document: document.visuals + fit(bareDocument?.text ?? document.text, item.maxTokensPerDoc),
    instruction: givenInstruction(item.instruction) ?? bareQuery?.instruction,
  }
}
