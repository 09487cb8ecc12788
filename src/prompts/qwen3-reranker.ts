// The prompt of Qwen3-Reranker: the system turn, three labelled fields, and a tail with an empty think block.

import { type RichText, template, user } from '../text/rich-text.js'
import { emptyThinkPrompt, judgeTurn, webSearchTask } from './chat-markup.js'
import { fitPrompt } from './fit-prompt.js'
import { instructionSegment } from './instruction.js'
import { pairRanges } from './pair-ranges.js'
import { prefixCounter } from './prefix-tokens.js'
import type { FormatOptions, ScoreFormat } from './prompt.js'
import { type BarePair, barePair, textSide } from './side.js'
import { warnOnce, wrappedPair } from './warn-once.js'

/**
 * As in the official script, the fields are tokenised apart from what stands around them, and a cut takes the end of the
 * fields: the document first, then the query.
 */
export function qwen3Reranker({ tokenizer, warn }: FormatOptions): ScoreFormat {
  const onWrapped = warnOnce(warn, wrappedPair)
  const prefix = tokenizer.encode([template(judgeTurn)])
  const suffix = tokenizer.encode([template(emptyThinkPrompt)])
  const encode = (body: RichText) => [...prefix, ...tokenizer.encode(body), ...suffix]
  const countPrefix = prefixCounter(encode)

  return {
    kind: 'score',
    name: 'qwen3-reranker',
    pair(item, limits) {
      const pair = barePair(item, limits, { side: textSide, tokenizer, onWrapped })
      const head = beforeDocument(pair)
      const text = [...head, user(pair.document)]
      const ids = encode(text)
      const fitted = fitPrompt(ids, {
        limits,
        numTail: suffix.length,
        minTokens: () => encode(beforeDocument({ ...pair, query: '' })).length,
        texts: () => pairRanges(ids, { head, numTail: suffix.length, encode }),
      })
      return {
        text: [template(judgeTurn), ...text, template(emptyThinkPrompt)],
        ...fitted,
        prefixTokens: countPrefix(head, fitted.ids),
      }
    },
  }
}

const beforeDocument = ({ query, instruction }: BarePair): RichText => [
  template('<Instruct>: '),
  instructionSegment(instruction, webSearchTask),
  template('\n<Query>: '),
  user(query),
  template('\n<Document>: '),
]
