// Prompts with images and videos, against the ids of the official scripts.

import { describe, expect, it } from 'vitest'
import type { VisualFacts } from '#qvl/media/visual.js'
import { qwen3VlEmbedding } from '#qvl/prompts/qwen3-vl-embedding.js'
import { qwen3VlReranker } from '#qvl/prompts/qwen3-vl-reranker.js'
import { visualReference } from '#qvl/prompts/visuals.js'
import { plainText } from '#qvl/text/rich-text.js'
import { openTokenizer } from '#qvl/text/tokenizer.js'
import { goldenPath } from '../support/golden.js'
import { contentOf, mediaCases, type VlGoldenCase, visualsOf } from '../support/vl-cases.js'

const tokenizerOf = (name: string) => openTokenizer(goldenPath(`checkpoints/${name}`), { specialTokensInText: 'parse' })
const limitsOf = ({ input }: VlGoldenCase) =>
  ({ maxTokens: input.max_length ?? 32768, overflow: input.max_length === undefined ? 'error' : 'truncate' }) as const

describe('images and videos in prompts', () => {
  it.each(mediaCases('qwen3-vl-embedding'))('qwen3-vl-embedding: $id', async (example) => {
    const tokenizer = await tokenizerOf('qwen3-vl-embedding')
    const format = qwen3VlEmbedding({ tokenizer, truncation: 'official' })
    const content = contentOf(example.input)
    const visuals = visualsOf(example, [content])
    const instruction = example.input.instruction ?? undefined
    const prompt = format.embed({ content, instruction, visuals }, limitsOf(example))
    expect(plainText(prompt.text)).toBe(example.expanded_prompt ?? example.prompt)
    expect([...prompt.ids]).toEqual(example.input_ids)
    expect(prompt.visuals).toHaveLength(visuals.size)
  })

  it.each(mediaCases('qwen3-vl-reranker'))('qwen3-vl-reranker: $id', async (example) => {
    const tokenizer = await tokenizerOf('qwen3-vl-reranker')
    const format = qwen3VlReranker({ tokenizer, truncation: 'official' })
    const [query, document] = [contentOf(example.input.query!), contentOf(example.input.document!)]
    const visuals = visualsOf(example, [query, document])
    const instruction = example.input.instruction ?? undefined
    const prompt = format.pair({ query, document, instruction, visuals }, limitsOf(example))
    expect(plainText(prompt.text)).toBe(example.expanded_prompt ?? example.prompt)
    expect([...prompt.ids]).toEqual(example.input_ids)
    for (const { facts, starts } of prompt.visuals!) {
      const pad = tokenizer.tokenId(facts.kind === 'image' ? '<|image_pad|>' : '<|video_pad|>')
      for (const start of starts) {
        expect(prompt.ids[start - 1]).toBe(tokenizer.tokenId('<|vision_start|>'))
        expect(prompt.ids[start]).toBe(pad)
      }
    }
  })
})

describe('what the prompt makes of odd input', () => {
  const facts = (key: string): VisualFacts => ({
    kind: 'image',
    key,
    grid: [1, 4, 4],
    tokens: { height: 2, width: 2 },
    times: [],
  })
  const image = { type: 'image', image: 'a.png' } as const
  const visuals = new Map([[visualReference(image), facts('a')]])
  const limits = { maxTokens: 1000, overflow: 'error' } as const

  it('a literal pad token in the text is text, and the image keeps its own place', async () => {
    const tokenizer = await openTokenizer(goldenPath('checkpoints/qwen3-vl-embedding'))
    const format = qwen3VlEmbedding({ tokenizer })
    const text = '<|vision_start|><|image_pad|><|image_pad|><|vision_end|>'
    const pad = tokenizer.tokenId('<|image_pad|>')!
    const { ids } = format.embed({ content: text }, limits)
    expect(ids.includes(pad)).toBe(false)
    const both = format.embed({ content: [{ type: 'text', text }, image], visuals }, limits)
    expect(both.ids.filter((id) => id === pad)).toHaveLength(4)
    expect(both.visuals!.map(({ starts }) => starts)).toEqual([[both.ids.indexOf(pad)]])
  })

  it('a private-use character in the text is no mark', async () => {
    const tokenizer = await openTokenizer(goldenPath('checkpoints/qwen3-vl-embedding'))
    const format = qwen3VlEmbedding({ tokenizer })
    const text = 'x\u{100000}y\u{100001}z'
    const prompt = format.embed({ content: [image, { type: 'text', text }], visuals }, limits)
    expect(plainText(prompt.text)).toContain(`<|vision_end|>${text}`)
    expect(prompt.visuals).toHaveLength(1)
  })

  it('text is cut and images are not', async () => {
    const tokenizer = await openTokenizer(goldenPath('checkpoints/qwen3-vl-reranker'))
    const format = qwen3VlReranker({ tokenizer })
    const document = [image, { type: 'text', text: 'word '.repeat(500) }] as const
    const whole = format.pair({ query: 'q', document: [image], visuals }, limits)
    for (const side of ['left', 'right'] as const) {
      const cut = format.pair(
        { query: 'q', document, visuals },
        { maxTokens: whole.ids.length + 5, overflow: 'truncate', side },
      )
      expect(cut.ids.length).toBeLessThanOrEqual(whole.ids.length + 5)
      expect(cut.visuals).toHaveLength(1)
    }
    const tooShort = { maxTokens: whole.ids.length - 4, overflow: 'truncate' } as const
    expect(() => format.pair({ query: 'q', document, visuals }, tooShort)).toThrowError(/no room/)
  })

  it('an image that was not loaded is refused', async () => {
    const tokenizer = await openTokenizer(goldenPath('checkpoints/qwen3-vl-embedding'))
    const format = qwen3VlEmbedding({ tokenizer })
    expect(() => format.embed({ content: [image] }, limits)).toThrowError(/image part/)
  })
})
