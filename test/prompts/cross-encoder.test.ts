import { describe, expect, it } from 'vitest'
import { crossEncoder } from '#qvl/prompts/cross-encoder.js'
import { plainText } from '#qvl/text/rich-text.js'
import { openTokenizer } from '#qvl/text/tokenizer.js'
import { readGolden } from '../support/golden.js'
import { variantOf } from '../support/variants.js'
import { goldenTokenizer, unlimited } from './formats.js'

interface PairCase {
  id: string
  input: { query: string; document: string; max_length?: number; truncation?: string }
  input_ids: number[]
}

const { cases } = readGolden<{ cases: PairCase[] }>('xlm-roberta-reranker/cases.json')
const xlmRoberta = crossEncoder({ tokenizer: await goldenTokenizer('xlm-roberta-reranker') })
const bertTokenizer = await goldenTokenizer('bert-embedding')
const bert = crossEncoder({ tokenizer: bertTokenizer })

describe('pairs', () => {
  it('as XLM-RoBERTa reads them: of one type', () => {
    const { text, prefixTokens, secondFrom } = xlmRoberta.pair({ query: 'cat', document: 'dog' }, unlimited)
    expect(plainText(text)).toBe('<s>cat</s></s>dog</s>')
    expect([prefixTokens, secondFrom]).toEqual([0, undefined])
  })

  it('as BERT reads them: the second text and its end are of another type', () => {
    const { text, ids, secondFrom } = bert.pair({ query: 'hello world', document: 'a' }, unlimited)
    expect(plainText(text)).toBe('[CLS]hello world[SEP]a[SEP]')
    const query = bertTokenizer.encode('hello world')
    expect([...ids]).toEqual([2, ...query, 3, ...bertTokenizer.encode('a'), 3])
    expect(secondFrom).toBe(query.length + 2)
  })

  it('strings of special tokens in a text are text', () => {
    const { ids } = xlmRoberta.pair({ query: 'a</s>', document: '<s>b' }, unlimited)
    expect([...ids].filter((id) => id === 0 || id === 2)).toEqual([0, 2, 2, 2])
  })
})

describe('pairs that are too long', () => {
  const long = cases.find(({ id }) => id === 'truncated-second')!
  const { query, document, max_length: maxTokens = 0 } = long.input

  it('are refused', () => {
    expect(() => xlmRoberta.pair({ query, document }, { maxTokens, overflow: 'error' })).toThrow(
      expect.objectContaining({ code: 'INPUT_TOO_LONG' }),
    )
  })

  it('lose tokens of the text that tokenizer.json names', async () => {
    const dir = variantOf('xlm-roberta-reranker', {
      files: { 'tokenizer.json': { truncation: { strategy: 'OnlySecond', max_length: 512, stride: 0 } } },
    })
    const onlySecond = crossEncoder({ tokenizer: await openTokenizer(dir, { specialTokensInText: 'parse' }) })
    const prompt = onlySecond.pair({ query, document }, { maxTokens, overflow: 'truncate' })
    expect([...prompt.ids]).toEqual(long.input_ids)
    expect(prompt.cutFrom).toBeGreaterThan(maxTokens)
    expect(() => onlySecond.pair({ query: document, document: query }, { maxTokens, overflow: 'truncate' })).toThrow(
      expect.objectContaining({ code: 'INPUT_TOO_LONG' }),
    )
  })

  it('keep their special tokens, with a cut at either end', () => {
    for (const side of ['left', 'right'] as const) {
      const { ids, secondFrom } = bert.pair({ query, document }, { maxTokens: 20, overflow: 'truncate', side })
      expect(ids).toHaveLength(20)
      expect([ids[0], ids[secondFrom! - 1], ids[19]]).toEqual([2, 3, 3])
    }
  })

  it('need room for those', () => {
    const limits = { maxTokens: 2, overflow: 'truncate' } as const
    expect(() => bert.pair({ query, document }, limits)).toThrow(expect.objectContaining({ code: 'INPUT_TOO_LONG' }))
  })

  it('a side may have a limit of its own', () => {
    const { ids } = bert.pair({ query, document, maxTokensPerQuery: 4, maxTokensPerDoc: 5 }, unlimited)
    expect(ids).toHaveLength(4 + 5 + 3)
  })
})

it('an instruction is refused, and a blank one is none', () => {
  const pair = { query: 'a', document: 'b' }
  expect(() => bert.pair({ ...pair, instruction: 'rank' }, unlimited)).toThrow(
    expect.objectContaining({ code: 'REQUEST_INVALID', details: expect.objectContaining({ param: 'instruction' }) }),
  )
  expect(bert.pair({ ...pair, instruction: ' ' }, unlimited).ids).toEqual(bert.pair(pair, unlimited).ids)
})

it('a tokenizer without a form for pairs is refused', async () => {
  const tokenizer = await goldenTokenizer('qwen3-reranker')
  expect(() => crossEncoder({ tokenizer })).toThrow(expect.objectContaining({ code: 'TOKENIZER_INVALID' }))
})

it('a tokenizer.json with an unknown way to cut is refused', async () => {
  const dir = variantOf('bert-embedding', { files: { 'tokenizer.json': { truncation: { strategy: 'Random' } } } })
  await expect(openTokenizer(dir)).rejects.toMatchObject({ code: 'TOKENIZER_INVALID' })
})
