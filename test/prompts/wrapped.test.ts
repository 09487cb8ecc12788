// Wrapped requests give the ids of bare ones in every format, and one warning; media parts are refused by name.

import { describe, expect, it } from 'vitest'
import type { Content } from '#qvl/prompts/content.js'
import type { FormatOptions, ScoreItem } from '#qvl/prompts/prompt.js'
import { qwen3Embedding } from '#qvl/prompts/qwen3-embedding.js'
import { qwen3Reranker } from '#qvl/prompts/qwen3-reranker.js'
import { qwen3VlEmbedding } from '#qvl/prompts/qwen3-vl-embedding.js'
import { qwen3VlReranker } from '#qvl/prompts/qwen3-vl-reranker.js'
import { plainText } from '#qvl/text/rich-text.js'
import { goldenTokenizer, unlimited } from './formats.js'

const tokenizer = await goldenTokenizer('qwen3-vl-reranker')

function warned<Format>(make: (options: FormatOptions) => Format): { format: Format; warnings: string[] } {
  const warnings: string[] = []
  return { format: make({ tokenizer, warn: (message) => warnings.push(message) }), warnings }
}

describe.each([
  ['qwen3-reranker', qwen3Reranker],
  ['qwen3-vl-reranker', qwen3VlReranker],
])('%s', (_, make) => {
  const { format, warnings } = warned(make)
  const bare: ScoreItem = { query: 'capital of China?', document: 'It is Beijing.', instruction: 'Find facts.' }
  const ids = (item: ScoreItem) => [...format.pair(item, unlimited).ids]
  const whole = plainText(format.pair(bare, unlimited).text)
  const [wrappedQuery = '', wrappedDocument = ''] = whole.split(/(?=<Document>:)/)

  it('unwraps its own prompt, and takes the instruction from it', () => {
    expect(warnings).toEqual([])
    expect(ids({ query: wrappedQuery, document: wrappedDocument })).toEqual(ids(bare))
    expect(ids({ query: wrappedQuery, document: bare.document })).toEqual(ids(bare))
    expect(ids({ ...bare, document: [{ type: 'text', text: wrappedDocument }] })).toEqual(ids(bare))
    expect(warnings).toHaveLength(1)
  })

  it('prefers the instruction of the request', () => {
    const instruction = 'Another one.'
    expect(ids({ query: wrappedQuery, document: wrappedDocument, instruction })).toEqual(ids({ ...bare, instruction }))
  })
})

describe('qwen3-vl-embedding', () => {
  const { format, warnings } = warned(qwen3VlEmbedding)
  const bare = { content: 'a red bicycle', instruction: 'Find pictures.' }
  const prompt = format.embed(bare, unlimited)

  it('unwraps a whole conversation', () => {
    expect(warnings).toEqual([])
    expect([...format.embed({ content: plainText(prompt.text) }, unlimited).ids]).toEqual([...prompt.ids])
    format.embed({ content: plainText(prompt.text) }, unlimited)
    expect(warnings).toHaveLength(1)
  })
})

describe('qwen3-embedding', () => {
  const { format, warnings } = warned(qwen3Embedding)
  const text = (content: Content, item: { instruction?: string; role?: 'query' | 'document' } = {}) =>
    plainText(format.embed({ content, ...item }, unlimited).text)

  it.each([
    ['a document', 'cat', {}, 'cat'],
    [
      'a query',
      'cat',
      { role: 'query' },
      'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:cat',
    ],
    ['an instruction', 'cat', { instruction: 'Find' }, 'Instruct: Find\nQuery:cat'],
    ['a blank instruction', 'cat', { instruction: ' ' }, 'cat'],
    ['an instruction for a document', 'cat', { instruction: 'Find', role: 'document' }, 'cat'],
    ['a finished query', 'Instruct: Find\nQuery:cat', { role: 'query' }, 'Instruct: Find\nQuery:cat'],
    ['one with a space', 'Instruct: Find\nQuery: cat', { role: 'query' }, 'Instruct: Find\nQuery: cat'],
    [
      'a mention',
      'What is Instruct: x\nQuery: y',
      { instruction: 'Find' },
      'Instruct: Find\nQuery:What is Instruct: x\nQuery: y',
    ],
  ] as const)('%s', (_, content, item, expected) => {
    expect(text(content, item)).toBe(expected)
    expect(warnings).toEqual([])
  })

  it('warns once when a finished query comes with an instruction', () => {
    for (const instruction of ['Find', 'Find again']) {
      expect(text('Instruct: Own\nQuery:cat', { instruction })).toBe('Instruct: Own\nQuery:cat')
    }
    expect(warnings).toHaveLength(1)
  })
})

describe('media parts', () => {
  const image: Content = [{ type: 'image', image: 'a.png' }]
  const video: Content = [
    { type: 'text', text: 'clip' },
    { type: 'video', video: 'a.mp4' },
  ]
  const refused = (what: string, param?: string) =>
    expect.objectContaining({
      code: 'MEDIA_UNSUPPORTED',
      details: expect.objectContaining({
        what: expect.stringContaining(what),
        why: expect.stringMatching(/text only|not loaded/),
        do: expect.any(String),
        ...(param !== undefined && { param }),
      }),
    })

  it.each([
    ['qwen3-embedding', qwen3Embedding],
    ['qwen3-vl-embedding', qwen3VlEmbedding],
  ])('%s', (_, make) => {
    expect(() => make({ tokenizer }).embed({ content: image }, unlimited)).toThrow(refused('image'))
    expect(() => make({ tokenizer }).embed({ content: video }, unlimited)).toThrow(refused('video'))
  })

  it.each([
    ['qwen3-reranker', qwen3Reranker],
    ['qwen3-vl-reranker', qwen3VlReranker],
  ])('%s', (_, make) => {
    expect(() => make({ tokenizer }).pair({ query: image, document: '' }, unlimited)).toThrow(refused('image', 'query'))
    expect(() => make({ tokenizer }).pair({ query: '', document: video }, unlimited)).toThrow(refused('video'))
  })
})
