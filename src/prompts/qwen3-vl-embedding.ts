// The prompt of Qwen3-VL-Embedding: the instruction as system turn, the input as user turn, and the generation prompt.

import { type RichText, template, user } from '../text/rich-text.js'
import { generationPrompt, systemEnd } from './chat-markup.js'
import { fitPrompt } from './fit-prompt.js'
import { asSentence, givenInstruction } from './instruction.js'
import { prefixCounter } from './prefix-tokens.js'
import type { EmbedFormat, EmbedItem, Prompt, PromptLimits, VlFormatOptions } from './prompt.js'
import { fitText } from './reach.js'
import { vlSide } from './side.js'
import { unwrapChat } from './unwrap.js'
import { VisualMarks } from './visuals.js'
import { warnOnce, wrappedChat } from './warn-once.js'

const officialInstruction = "Represent the user's input."

export function qwen3VlEmbedding({ tokenizer, warn, truncation = 'keepTail' }: VlFormatOptions): EmbedFormat {
  const onWrapped = warnOnce(warn, wrappedChat)
  const encode = (text: RichText) => tokenizer.encode(text, { addSpecialTokens: true })
  const countPrefix = prefixCounter(encode)
  const numTail = tokenizer.encode([template(generationPrompt)]).length + tokenizer.around.after.length

  const bare = ({ content, instruction }: EmbedItem, marks: VisualMarks) => {
    const { visuals, text } = vlSide(marks)(content)
    const unwrapped = unwrapChat(text)
    if (unwrapped !== undefined) onWrapped()
    return {
      visuals,
      text: unwrapped?.text ?? text,
      instruction: givenInstruction(instruction) ?? unwrapped?.instruction ?? officialInstruction,
    }
  }

  return {
    kind: 'embed',
    name: 'qwen3-vl-embedding',
    embed(item: EmbedItem, limits: PromptLimits): Prompt {
      const marks = new VisualMarks(item.visuals, [item.content])
      const input = bare(item, marks)
      const head = beforeText(input.instruction)
      const content = marks.expand([user(input.visuals), user(fitText(input.text, item.maxTokens, tokenizer, limits))])
      const text = [...head, ...content, template(generationPrompt)]
      const ids = encode(text)
      const finished = (fitted: { ids: Int32Array }) => ({
        text,
        ...fitted,
        prefixTokens: countPrefix(head, fitted.ids),
        visuals: marks.place(fitted.ids, tokenizer),
      })
      if (truncation === 'official' && limits.overflow === 'truncate') {
        return finished({ ids: Int32Array.from(ids.slice(0, limits.maxTokens)) })
      }
      const fitted = fitPrompt(ids, {
        limits,
        numTail,
        minTokens: () => encode(marks.expand([...head, user(input.visuals), template(generationPrompt)])).length,
        texts: () => [{ start: countPrefix(head, ids), end: ids.length - numTail }],
        keep: (id) => tokenizer.isSpecial(id),
        hasVisuals: marks.hasAny,
      })
      return finished(fitted)
    },
  }
}

const beforeText = (instruction: string): RichText => [
  template('<|im_start|>system\n'),
  user(asSentence(instruction)),
  template(systemEnd),
]
