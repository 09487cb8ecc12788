// What Qwen3-Embedding, and the models trained further from it, put before a text.

import { describe, expect, it } from 'vitest'
import type { EmbedItem } from '#qvl/prompts/prompt.js'
import { qwen3Embedding } from '#qvl/prompts/qwen3-embedding.js'
import { plainText } from '#qvl/text/rich-text.js'
import { goldenTokenizer, unlimited } from './formats.js'

const tokenizer = await goldenTokenizer('qwen3-embedding')
const webSearch = 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:'

const formats = {
  none: qwen3Embedding({ tokenizer }),
  official: qwen3Embedding({
    tokenizer,
    prompts: new Map([
      ['query', webSearch],
      ['document', ''],
    ]),
  }),
  own: qwen3Embedding({
    tokenizer,
    prompts: new Map([
      ['query', 'Question: '],
      ['passage', 'Answer: '],
    ]),
  }),
  empty: qwen3Embedding({ tokenizer, prompts: new Map([['query', '']]) }),
}

describe('the prompt of a role', () => {
  it.each<[keyof typeof formats, Omit<EmbedItem, 'content'>, string]>([
    ['none', { role: 'query' }, `${webSearch}cat`],
    ['none', { role: 'document' }, 'cat'],
    ['official', { role: 'query' }, `${webSearch}cat`],
    ['official', { role: 'document' }, 'cat'],
    ['official', {}, 'cat'],
    ['own', { role: 'query' }, 'Question: cat'],
    ['own', { role: 'document' }, 'Answer: cat'],
    ['own', {}, 'cat'],
    ['own', { role: 'query', instruction: 'Find a cat' }, 'Instruct: Find a cat\nQuery:cat'],
    ['own', { role: 'document', instruction: 'Find a cat' }, 'Answer: cat'],
    ['empty', { role: 'query' }, 'cat'],
  ])('%s, %j', (name, item, expected) => {
    const { text, ids } = formats[name].embed({ content: 'cat', ...item }, unlimited)
    expect(plainText(text)).toBe(expected)
    expect([...ids]).toEqual(tokenizer.encode(expected, { addSpecialTokens: true }))
  })
})
