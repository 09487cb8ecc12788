// The input of an encoder's embedding: one of the checkpoint's prompts, the text, and the tokenizer's special tokens around both.

import { QvlError } from '../errors.js'
import { type RichText, template, user } from '../text/rich-text.js'
import { fitPrompt } from './fit-prompt.js'
import { givenInstruction } from './instruction.js'
import { prefixCounter } from './prefix-tokens.js'
import type { EmbedFormat, EmbedItem, FormatOptions } from './prompt.js'
import { fitText } from './reach.js'
import { rolePromptName } from './role-prompt.js'
import type { SentenceRecipe } from './sentence-recipe.js'
import { textSide } from './side.js'

export interface EncoderEmbeddingOptions extends FormatOptions {
  recipe: SentenceRecipe
  /** In place of the checkpoint's own default. */
  defaultPrompt?: string | undefined
}

/** Throws USAGE for a default prompt that the checkpoint does not have. */
export function encoderEmbedding({ tokenizer, recipe, defaultPrompt }: EncoderEmbeddingOptions): EmbedFormat {
  const { prompts, pooling, normalizes, lowerCase, defaultPromptName } = recipe
  const fallback = defaultPrompt ?? defaultPromptName
  if (defaultPrompt !== undefined && !prompts.has(defaultPrompt)) throw unknownDefault(defaultPrompt, prompts)
  const { before, after } = tokenizer.around
  const encode = (text: RichText) => [...before, ...tokenizer.encode(text), ...after]
  const countHead = prefixCounter(encode)
  return {
    kind: 'embed',
    name: 'encoder-embedding',
    pooling,
    normalizes,
    promptNames: [...prompts.keys()],
    embed(item, limits) {
      const content = fitText(textSide(item.content).text, item.maxTokens, tokenizer, limits)
      const head = promptOf(item, prompts, fallback)
      const text = [...head, user(content)].map((segment) =>
        lowerCase ? { ...segment, text: segment.text.toLowerCase() } : segment,
      )
      const ids = encode(text)
      const ownHead = text.slice(0, -1)
      const fitted = fitPrompt(ids, {
        limits,
        numTail: after.length,
        minTokens: () => encode(ownHead).length,
        texts: () => [{ start: countHead(ownHead, ids), end: ids.length - after.length }],
      })
      // What comes later changes the values of what comes before, so nothing can be computed ahead.
      return { text, ...fitted, prefixTokens: 0 }
    },
  }
}

/** As sentence-transformers chooses: text that a request brings, the name it gives, what its role is called, the default. */
function promptOf(
  { instruction, promptName, role }: EmbedItem,
  prompts: SentenceRecipe['prompts'],
  fallback: string | undefined,
): RichText {
  const given = givenInstruction(instruction)
  if (given !== undefined) return [user(given)]
  const ofRole = role === undefined ? undefined : rolePromptName(prompts, role)
  const name = promptName ?? ofRole ?? fallback
  if (name === undefined) return []
  const prompt = prompts.get(name)
  if (prompt === undefined) throw unknownPrompt(name, prompts)
  return prompt === '' ? [] : [template(prompt)]
}

const named = (prompts: SentenceRecipe['prompts']): string =>
  prompts.size === 0 ? 'Its config_sentence_transformers.json has none.' : `It has: ${[...prompts.keys()].join(', ')}.`

/** A name comes from a request, and messages never echo a body. */
const maxNameLength = 40

const unknownPrompt = (name: string, prompts: SentenceRecipe['prompts']): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `The model has no prompt named "${name.slice(0, maxNameLength)}".`,
    why: named(prompts),
    do: 'Use one of its names, or send the text with its prompt.',
    param: 'prompt_name',
  })

const unknownDefault = (name: string, prompts: SentenceRecipe['prompts']): QvlError =>
  new QvlError('USAGE', {
    what: `The model has no prompt named "${name}".`,
    why: named(prompts),
    do: 'Use one of its names, or leave --default-prompt out.',
    param: '--default-prompt',
  })
