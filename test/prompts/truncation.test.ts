// Limits: a prompt is refused with both numbers, or cut so that the template, the tail and first of all the query stay.

import { describe, expect, it } from 'vitest'
import type { QvlError } from '#qvl/errors.js'
import type { Prompt, PromptLimits, ScoreFormat } from '#qvl/prompts/prompt.js'
import { qwen3Embedding } from '#qvl/prompts/qwen3-embedding.js'
import { qwen3Reranker } from '#qvl/prompts/qwen3-reranker.js'
import { qwen3VlEmbedding } from '#qvl/prompts/qwen3-vl-embedding.js'
import { qwen3VlReranker } from '#qvl/prompts/qwen3-vl-reranker.js'
import { goldenTokenizer, unlimited } from './formats.js'
import { templateFormat } from './templates.js'

const query = 'How do I reset the password of my account? '.repeat(3)
const document = '日本 👍🏽 The old castle needs clean energy. '.repeat(20)
const generationPrompt = '<|im_end|>\n<|im_start|>assistant\n'
const thinkPrompt = `${generationPrompt}<think>\n\n</think>\n\n`

const tokenizer = await goldenTokenizer('qwen3-vl-reranker')
const embedTokenizer = await goldenTokenizer('qwen3-embedding')

type MakePrompt = (limits: PromptLimits, texts?: { query?: string; document?: string }) => Prompt

const pairs =
  (format: ScoreFormat): MakePrompt =>
  (limits, texts) =>
    format.pair({ query, document, ...texts }, limits)

const rerankers: [string, MakePrompt, string][] = [
  ['qwen3-reranker', pairs(qwen3Reranker({ tokenizer })), thinkPrompt],
  ['qwen3-vl-reranker', pairs(qwen3VlReranker({ tokenizer })), generationPrompt],
  ['text template', pairs(await templateFormat('qwen3-reranker', 'qwen3_reranker.jinja')), thinkPrompt],
  ['VL template', pairs(await templateFormat('qwen3-vl-reranker', 'qwen3_vl_reranker.jinja')), generationPrompt],
]

const vlEmbedding = qwen3VlEmbedding({ tokenizer })
const embedding = qwen3Embedding({ tokenizer: embedTokenizer })
const embedders: [string, MakePrompt, string][] = [
  [
    'qwen3-vl-embedding',
    (limits, texts) => vlEmbedding.embed({ content: document, ...texts }, limits),
    generationPrompt,
  ],
  ['qwen3-embedding', (limits) => embedding.embed({ content: document }, limits), '<|endoftext|>'],
  ['qwen3-embedding query', (limits) => embedding.embed({ content: document, role: 'query' }, limits), '<|endoftext|>'],
]

const error = (call: () => unknown): QvlError => {
  try {
    call()
  } catch (thrown) {
    return thrown as QvlError
  }
  throw new Error('nothing was thrown')
}

describe.each([...rerankers, ...embedders])('%s', (name, make, tail) => {
  const decode = (ids: Int32Array) => (name.startsWith('qwen3-embedding') ? embedTokenizer : tokenizer).decode([...ids])
  const full = make(unlimited).ids
  const cuts = Array.from({ length: 30 }, (_, i) => full.length - 1 - i * Math.floor(full.length / 45))

  it('refuses one token too many, in vLLM words, and names both numbers', () => {
    const limits = { maxTokens: full.length - 1, overflow: 'error' } as const
    const { code, details } = error(() => make(limits))
    expect(code).toBe('INPUT_TOO_LONG')
    expect(details.what).toContain(`This model's maximum context length is ${full.length - 1} tokens.`)
    expect(details.what).toContain(`${full.length} input tokens`)
  })

  it('takes exactly the limit, uncut', () => {
    const prompt = make({ maxTokens: full.length, overflow: 'truncate' })
    expect([...prompt.ids]).toEqual([...full])
    expect(prompt.cutFrom).toBeUndefined()
  })

  it('keeps the tail within every limit, and says that it cut', () => {
    for (const maxTokens of cuts) {
      const prompt = make({ maxTokens, overflow: 'truncate' })
      expect(prompt.ids.length).toBeLessThanOrEqual(maxTokens)
      expect(decode(prompt.ids).endsWith(tail)).toBe(true)
      expect(prompt.cutFrom).toBe(full.length)
    }
  })
})

describe.each(rerankers)('%s', (_, make) => {
  const texts = (limits: PromptLimits) => {
    const decoded = tokenizer.decode([...make(limits).ids])
    const [, queryText = '', documentText = ''] =
      /<Query>: ?(.*?)(?:\n<Document>: ?(.*?))?<\|im_end\|>\n<\|im_start\|>a/s.exec(decoded) ?? []
    return { queryText, documentText }
  }
  const numFull = make(unlimited).ids.length
  const numWithoutDocument = make(unlimited, { document: '' }).ids.length
  const numTemplate = make(unlimited, { query: '', document: '' }).ids.length

  it('cuts the document from its end and leaves the query', () => {
    for (let maxTokens = numFull - 1; maxTokens > numWithoutDocument; maxTokens -= 17) {
      const { queryText, documentText } = texts({ maxTokens, overflow: 'truncate' })
      expect(queryText).toBe(query)
      expect(document.startsWith(documentText.replace(/\uFFFD+$/, ''))).toBe(true)
      expect(documentText.length).toBeGreaterThan(0)
    }
  })

  it('cuts the query once the document is empty', () => {
    const maxTokens = numTemplate + Math.floor((numWithoutDocument - numTemplate) / 2)
    const { queryText, documentText } = texts({ maxTokens, overflow: 'truncate' })
    expect(documentText).toBe('')
    expect(query.startsWith(queryText)).toBe(true)
    expect(queryText.length).toBeGreaterThan(0)
  })

  it('refuses a limit that the template alone does not fit', () => {
    const { code, details } = error(() => make({ maxTokens: numTemplate - 1, overflow: 'truncate' }))
    expect(code).toBe('INPUT_TOO_LONG')
    expect(details.what).toContain(`${numTemplate - 1} tokens`)
    expect(details.why).toContain(`${numTemplate} tokens`)
  })
})
