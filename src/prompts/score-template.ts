// A score template of the user's (vLLM's --chat-template) in place of the official prompt.

import { compileTemplate, type JsonValue } from '../text/jinja.js'
import { type RichText, template } from '../text/rich-text.js'
import { emptyThinkPrompt, generationPrompt } from './chat-markup.js'
import { longestCut } from './cut-text.js'
import { noRoomForTemplate, promptTooLong } from './fit-prompt.js'
import { prefixCounter } from './prefix-tokens.js'
import type { FormatOptions, PromptLimits, ScoreFormat } from './prompt.js'
import { barePair, textSide, vlSide } from './side.js'
import { type Slots, segmentRenderer } from './template-segments.js'
import { VisualMarks } from './visuals.js'
import { warnOnce, wrappedPair } from './warn-once.js'

export type RerankerFamily = 'qwen3-reranker' | 'qwen3-vl-reranker'

const families = {
  'qwen3-reranker': { side: () => textSide, tail: emptyThinkPrompt },
  'qwen3-vl-reranker': { side: vlSide, tail: generationPrompt },
} as const

export interface ScoreTemplateOptions extends FormatOptions {
  /** The file's name, for messages, and its text. */
  chatTemplate: { name: string; text: string }
  family: RerankerFamily
}

/**
 * Templates see messages with the roles query and document, as in vLLM; an instruction is there as a system message and as
 * the variables `instruction` and `instruct`. Throws TEMPLATE_INVALID.
 */
export function scoreTemplate({ tokenizer, warn, chatTemplate, family }: ScoreTemplateOptions): ScoreFormat {
  const { side, tail } = families[family]
  const { name, text: source } = chatTemplate
  const compiled = compileTemplate(source, { name })
  const onWrapped = warnOnce(warn, wrappedPair)
  const onLostNewline = warnOnce(warn, lostNewline(name))
  const segments = segmentRenderer({ name, source, render: (slots) => compiled.render(variables(slots)) }, tokenizer)
  const render = (slots: Slots) => withOfficialTail(segments(slots), tail, onLostNewline)
  const encodeText = (text: RichText) => tokenizer.encode(text, { addSpecialTokens: true })
  const countPrefix = prefixCounter(encodeText)

  return {
    kind: 'score',
    name: `chat template ${name}`,
    pair(item, limits) {
      const marks = new VisualMarks(item.visuals, [item.query, item.document])
      const slots = barePair(item, limits, { side: side(marks), tokenizer, onWrapped })
      const encode = (text: RichText) => encodeText(marks.expand(text))
      const text = marks.expand(render(slots))
      const ids = encodeText(text)
      const fits = ids.length <= limits.maxTokens
      if (!fits && limits.overflow === 'error') throw promptTooLong(ids.length, limits.maxTokens)
      const fitted = Int32Array.from(fits ? ids : cutSlots(slots, (cut) => encode(render(cut)), limits))
      const withoutDocument = marks.expand(render({ ...slots, document: '' }))
      const prefixTokens = countPrefix(withoutDocument, fitted)
      const visuals = marks.place(fitted, tokenizer)
      return { text, ids: fitted, prefixTokens, ...(!fits && { cutFrom: ids.length }), visuals }
    },
  }
}

function variables({ query, document, instruction }: Slots): Record<string, JsonValue> {
  const pair = [
    { role: 'query', content: query },
    { role: 'document', content: document },
  ]
  if (instruction === undefined) return { messages: pair }
  return { messages: [{ role: 'system', content: instruction }, ...pair], instruction, instruct: instruction }
}

/**
 * Jinja drops a template file's last newline, and the pooled token with it. A rendering that is the official one but for
 * newlines at the end gets them back.
 */
function withOfficialTail(text: RichText, tail: string, onLostNewline: () => void): RichText {
  const last = text.at(-1)
  if (last?.from !== 'template' || last.text.endsWith(tail)) return text
  const rendered = last.text.trimEnd()
  const numNewlines = last.text.length - rendered.length
  if (!rendered.endsWith(tail.trimEnd()) || numNewlines >= tail.length - tail.trimEnd().length) return text
  onLostNewline()
  return [...text.slice(0, -1), template(rendered + tail.slice(tail.trimEnd().length))]
}

const lostNewline = (name: string): string =>
  `The chat template ${name} does not end with the newline that the model's prompt ends with; it was put back. Template ` +
  "engines drop a file's last newline: end the file with one more empty line."

/** Cuts the document, then the query, until the ids fit. */
function cutSlots(
  slots: Slots,
  encode: (slots: Slots) => number[],
  { maxTokens, side = 'right' }: PromptLimits,
): number[] {
  const fits = (cut: Slots) => encode(cut).length <= maxTokens
  const shorter = { ...slots, document: '' }
  const cut = fits(shorter)
    ? { ...slots, document: longestCut(slots.document, side, (document) => fits({ ...slots, document })) }
    : { ...shorter, query: longestCut(slots.query, side, (query) => fits({ ...shorter, query })) }
  const ids = encode(cut)
  if (ids.length > maxTokens) throw noRoomForTemplate(ids.length, maxTokens)
  return ids
}
