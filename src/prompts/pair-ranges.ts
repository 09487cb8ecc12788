// Where the texts of a pair stand among the ids of its prompt.

import type { RichText } from '../text/rich-text.js'
import type { TokenRange } from './fit-prompt.js'
import { commonStart } from './prefix-tokens.js'

export interface PairPrompt {
  /** Everything before the document; its last segment is the document's label, the one before is the query. */
  head: RichText
  /** Ids after the document. */
  numTail: number
  encode(text: RichText): readonly number[]
}

/** The document first: it is cut before the query is. */
export function pairRanges(ids: readonly number[], { head, numTail, encode }: PairPrompt): TokenRange[] {
  const upTo = (text: RichText) => commonStart(encode(text), ids)
  return [
    { start: upTo(head), end: ids.length - numTail },
    { start: upTo(head.slice(0, -2)), end: upTo(head.slice(0, -1)) },
  ]
}
