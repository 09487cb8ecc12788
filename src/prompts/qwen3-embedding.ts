// The input of Qwen3-Embedding: documents as they are, queries after their task, and the end token that is pooled.

import { QvlError } from '../errors.js'
import { type RichText, template, user } from '../text/rich-text.js'
import type { Tokenizer } from '../text/tokenizer.js'
import { webSearchTask } from './chat-markup.js'
import { fitPrompt } from './fit-prompt.js'
import { givenInstruction, instructionSegment } from './instruction.js'
import { prefixCounter } from './prefix-tokens.js'
import type { EmbedFormat, EmbedItem, FormatOptions } from './prompt.js'
import { fitText } from './reach.js'
import { type Prompts, rolePromptName } from './role-prompt.js'
import { textSide } from './side.js'
import { warnOnce } from './warn-once.js'

const writtenTwice =
  'A query that starts with "Instruct: ..." came with an instruction as well; the text was kept as it is, and the ' +
  'instruction was not used. Send the bare query with the instruction, or the finished text without one.'

export interface Qwen3EmbeddingOptions extends FormatOptions {
  /** The checkpoint's own, by name: models trained further bring others than the official ones. */
  prompts?: Prompts | undefined
}

/** Throws TOKENIZER_INVALID when the tokenizer has no end token. */
export function qwen3Embedding({ tokenizer, warn, prompts = new Map() }: Qwen3EmbeddingOptions): EmbedFormat {
  const onWrittenTwice = warnOnce(warn, writtenTwice)
  const { before } = tokenizer.around
  const after = endTokens(tokenizer)
  const encode = (text: RichText) => [...before, ...tokenizer.encode(text), ...after]
  const countPrefix = prefixCounter(encode)

  return {
    kind: 'embed',
    name: 'qwen3-embedding',
    embed(item, limits) {
      const content = fitText(textSide(item.content).text, item.maxTokens, tokenizer, limits)
      const head = headOf(item, { content, prompts, onWrittenTwice })
      const text = [...head, user(content)]
      const ids = encode(text)
      const fitted = fitPrompt(ids, {
        limits,
        numTail: after.length,
        minTokens: () => encode(head).length,
        texts: () => [{ start: countPrefix(head, ids), end: ids.length - after.length }],
      })
      return { text, ...fitted, prefixTokens: countPrefix(head, fitted.ids) }
    },
  }
}

interface HeadOptions {
  content: string
  prompts: Prompts
  onWrittenTwice: () => void
}

/** What stands before the text. A text that starts with its task is a finished query, with or without a space after `Query:`. */
function headOf({ instruction, role }: EmbedItem, { content, prompts, onWrittenTwice }: HeadOptions): RichText {
  const given = givenInstruction(instruction)
  if (role === 'document') return rolePrompt(prompts, role) ?? []
  if (role === undefined && given === undefined) return []
  if (/^Instruct:[^\n]*\nQuery:/.test(content)) {
    if (given !== undefined) onWrittenTwice()
    return []
  }
  const own = given === undefined ? rolePrompt(prompts, 'query') : undefined
  return own ?? [template('Instruct: '), instructionSegment(given, webSearchTask), template('\nQuery:')]
}

function rolePrompt(prompts: Prompts, role: 'query' | 'document'): RichText | undefined {
  const name = rolePromptName(prompts, role)
  if (name === undefined) return undefined
  const prompt = prompts.get(name)
  return prompt === undefined || prompt === '' ? [] : [template(prompt)]
}

/** From the post-processor, or the official end token where the tokenizer.json has no post-processor. */
function endTokens(tokenizer: Tokenizer): readonly number[] {
  if (tokenizer.around.after.length > 0) return tokenizer.around.after
  const end = tokenizer.tokenId('<|endoftext|>')
  if (end !== undefined) return [end]
  throw new QvlError('TOKENIZER_INVALID', {
    what: 'The tokenizer has no <|endoftext|> token.',
    why: 'Qwen3-Embedding pools the vector at that token.',
    do: "Download the checkpoint's tokenizer.json again.",
  })
}
