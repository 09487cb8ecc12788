// The prompt of Qwen3-VL-Reranker: fields without the newlines and spaces of the text reranker, and no think block.

import { type RichText, template, user } from '../text/rich-text.js'
import { generationPrompt, judgeTurn } from './chat-markup.js'
import { cutRight, fitPrompt } from './fit-prompt.js'
import { instructionSegment } from './instruction.js'
import type { ScoreFormat, VlFormatOptions } from './prompt.js'
import { type BarePair, barePair, vlSide } from './side.js'
import { warnOnce, wrappedPair } from './warn-once.js'

const officialTask = 'Given a search query, retrieve relevant candidates that answer the query.'

export function qwen3VlReranker({ tokenizer, warn, truncation = 'keepTail' }: VlFormatOptions): ScoreFormat {
  const onWrapped = warnOnce(warn, wrappedPair)
  const encode = (text: RichText) => tokenizer.encode(text, { addSpecialTokens: true })
  const numTail = tokenizer.encode([template(generationPrompt)]).length + tokenizer.around.after.length
  const keep = (id: number) => tokenizer.isSpecial(id)

  return {
    kind: 'score',
    name: 'qwen3-vl-reranker',
    pair(item, limits) {
      const pair = barePair(item, vlSide, onWrapped)
      const text = conversation(pair)
      const ids = encode(text)
      if (truncation === 'official' && limits.overflow === 'truncate') {
        // The script takes the tail off, cuts the rest to the whole limit, and puts the tail back.
        const head = cutRight(ids.slice(0, -numTail), limits.maxTokens, keep)
        return { text, ids: Int32Array.from([...head, ...ids.slice(-numTail)]) }
      }
      const minTokens = () => encode(conversation({ ...pair, query: '', document: '' })).length
      return { text, ...fitPrompt(ids, { limits, numTail, minTokens, keep }) }
    },
  }
}

const conversation = ({ query, document, instruction }: BarePair): RichText => [
  template(`${judgeTurn}<Instruct>: `),
  instructionSegment(instruction, officialTask),
  template('<Query>:'),
  user(query),
  template('\n<Document>:'),
  user(document),
  template(generationPrompt),
]
