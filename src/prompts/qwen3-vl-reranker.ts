// The prompt of Qwen3-VL-Reranker: fields without the newlines and spaces of the text reranker, and no think block.

import { type RichText, template, user } from '../text/rich-text.js'
import { generationPrompt, judgeTurn } from './chat-markup.js'
import { cutRight, fitPrompt } from './fit-prompt.js'
import { instructionSegment } from './instruction.js'
import { pairRanges } from './pair-ranges.js'
import { prefixCounter } from './prefix-tokens.js'
import type { Prompt, ScoreFormat, VlFormatOptions } from './prompt.js'
import { type BarePair, barePair, vlSide } from './side.js'
import { VisualMarks } from './visuals.js'
import { warnOnce, wrappedPair } from './warn-once.js'

const officialTask = 'Given a search query, retrieve relevant candidates that answer the query.'

export function qwen3VlReranker({ tokenizer, warn, truncation = 'keepTail' }: VlFormatOptions): ScoreFormat {
  const onWrapped = warnOnce(warn, wrappedPair)
  const encodeText = (text: RichText) => tokenizer.encode(text, { addSpecialTokens: true })
  const countPrefix = prefixCounter(encodeText)
  const numTail = tokenizer.encode([template(generationPrompt)]).length + tokenizer.around.after.length
  const keep = (id: number) => tokenizer.isSpecial(id)

  return {
    kind: 'score',
    name: 'qwen3-vl-reranker',
    pair(item, limits) {
      const marks = new VisualMarks(item.visuals, [item.query, item.document])
      const encode = (text: RichText) => encodeText(marks.expand(text))
      const pair = barePair(item, limits, { side: vlSide(marks), tokenizer, onWrapped })
      const head = beforeDocument(pair)
      const text = marks.expand([...head, user(pair.document), template(generationPrompt)])
      const ids = encodeText(text)
      const finished = (fitted: { ids: Int32Array }): Prompt => ({
        text,
        ...fitted,
        prefixTokens: countPrefix(marks.expand(head), fitted.ids),
        visuals: marks.place(fitted.ids, tokenizer),
      })
      if (truncation === 'official' && limits.overflow === 'truncate') {
        // The script takes the tail off, cuts the rest to the whole limit, and puts the tail back.
        const cut = [...cutRight(ids.slice(0, -numTail), limits.maxTokens, keep), ...ids.slice(-numTail)]
        return finished({ ids: Int32Array.from(cut) })
      }
      const fitted = fitPrompt(ids, {
        limits,
        numTail,
        minTokens: () => encode(withoutTexts(pair, marks)).length,
        texts: () => pairRanges(ids, { head, numTail, encode }),
        keep,
        hasVisuals: marks.hasAny,
      })
      return finished(fitted)
    },
  }
}

const withoutTexts = (pair: BarePair, marks: VisualMarks): RichText => [
  ...beforeDocument({ ...pair, query: marks.withoutText(pair.query) }),
  user(marks.withoutText(pair.document)),
  template(generationPrompt),
]

const beforeDocument = ({ query, instruction }: BarePair): RichText => [
  template(`${judgeTurn}<Instruct>: `),
  instructionSegment(instruction, officialTask),
  template('<Query>:'),
  user(query),
  template('\n<Document>:'),
]
