// The prompt of Qwen3-VL-Embedding: the instruction as system turn, the input as user turn, and the generation prompt.

import { type RichText, template, user } from '../text/rich-text.js'
import { generationPrompt, systemEnd } from './chat-markup.js'
import { fitPrompt } from './fit-prompt.js'
import { asSentence, givenInstruction } from './instruction.js'
import type { EmbedFormat, EmbedItem, Prompt, PromptLimits, VlFormatOptions } from './prompt.js'
import { vlSide } from './side.js'
import { unwrapChat } from './unwrap.js'
import { warnOnce, wrappedChat } from './warn-once.js'

const officialInstruction = "Represent the user's input."

export function qwen3VlEmbedding({ tokenizer, warn, truncation = 'keepTail' }: VlFormatOptions): EmbedFormat {
  const onWrapped = warnOnce(warn, wrappedChat)
  const encode = (text: RichText) => tokenizer.encode(text, { addSpecialTokens: true })
  const numTail = tokenizer.encode([template(generationPrompt)]).length + tokenizer.around.after.length

  const bare = ({ content, instruction }: EmbedItem) => {
    const text = vlSide(content)
    const unwrapped = unwrapChat(text)
    if (unwrapped !== undefined) onWrapped()
    return {
      text: unwrapped?.text ?? text,
      instruction: givenInstruction(instruction) ?? unwrapped?.instruction ?? officialInstruction,
    }
  }

  return {
    kind: 'embed',
    name: 'qwen3-vl-embedding',
    embed(item: EmbedItem, limits: PromptLimits): Prompt {
      const input = bare(item)
      const text = conversation(input.instruction, input.text)
      const ids = encode(text)
      if (truncation === 'official' && limits.overflow === 'truncate') {
        return { text, ids: Int32Array.from(ids.slice(0, limits.maxTokens)) }
      }
      const minTokens = () => encode(conversation(input.instruction, '')).length
      return { text, ...fitPrompt(ids, { limits, numTail, minTokens, keep: (id) => tokenizer.isSpecial(id) }) }
    },
  }
}

const conversation = (instruction: string, text: string): RichText => [
  template('<|im_start|>system\n'),
  user(asSentence(instruction)),
  template(systemEnd),
  user(text),
  template(generationPrompt),
]
