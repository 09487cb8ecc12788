// The prompt of Qwen3-VL-Reranker: fields without the newlines and spaces of the text reranker, and no think block.

import { type RichText, template, user } from '../text/rich-text.js'
import { generationPrompt, judgeTurn } from './chat-markup.js'
import { cutRight, fitPrompt } from './fit-prompt.js'
import { instructionSegment } from './instruction.js'
import { pairRanges } from './pair-ranges.js'
import { prefixCounter } from './prefix-tokens.js'
import type { ScoreFormat, VlFormatOptions } from './prompt.js'
import { type BarePair, barePair, vlSide } from './side.js'
import { warnOnce, wrappedPair } from './warn-once.js'

const officialTask = 'Given a search query, retrieve relevant candidates that answer the query.'

export function qwen3VlReranker({ tokenizer, warn, truncation = 'keepTail' }: VlFormatOptions): ScoreFormat {
  const onWrapped = warnOnce(warn, wrappedPair)
  const encode = (text: RichText) => tokenizer.encode(text, { addSpecialTokens: true })
  const countPrefix = prefixCounter(encode)
  const numTail = tokenizer.encode([template(generationPrompt)]).length + tokenizer.around.after.length
  const keep = (id: number) => tokenizer.isSpecial(id)

  return {
    kind: 'score',
    name: 'qwen3-vl-reranker',
    pair(item, limits) {
      const pair = barePair(item, limits, { side: vlSide, tokenizer, onWrapped })
      const head = beforeDocument(pair)
      const text = [...head, user(pair.document), template(generationPrompt)]
      const ids = encode(text)
      if (truncation === 'official' && limits.overflow === 'truncate') {
        // The script takes the tail off, cuts the rest to the whole limit, and puts the tail back.
        const cut = Int32Array.from([
          ...cutRight(ids.slice(0, -numTail), limits.maxTokens, keep),
          ...ids.slice(-numTail),
        ])
        return { text, ids: cut, prefixTokens: countPrefix(head, cut) }
      }
      const fitted = fitPrompt(ids, {
        limits,
        numTail,
        minTokens: () => encode([...beforeDocument({ ...pair, query: '' }), template(generationPrompt)]).length,
        texts: () => pairRanges(ids, { head, numTail, encode }),
        keep,
      })
      return { text, ...fitted, prefixTokens: countPrefix(head, fitted.ids) }
    },
  }
}

const beforeDocument = ({ query, instruction }: BarePair): RichText => [
  template(`${judgeTurn}<Instruct>: `),
  instructionSegment(instruction, officialTask),
  template('<Query>:'),
  user(query),
  template('\n<Document>:'),
]
