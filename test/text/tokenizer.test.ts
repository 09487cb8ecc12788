// The tokenizer against the ids of the reference implementation, and what it does with user text.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { plainText, type RichText, template, user } from '#qvl/text/rich-text.js'
import { openTokenizer, type Tokenizer } from '#qvl/text/tokenizer.js'
import { checkpointDir, readGolden, realQwen } from './fixtures.js'

interface StringCases {
  tokenizer: { sha256: string }
  cases: { text: string; ids: number[] }[]
  pairs?: { a: string; b: string; ids: number[]; type_ids: number[] }[]
}

interface PromptCases {
  cases: { id: string; input: { max_length?: number }; prompt: string; expanded_prompt?: string; input_ids: number[] }[]
}

const tiny = checkpointDir('qwen3-embedding')
let real: Tokenizer
beforeAll(async () => {
  real = await openTokenizer(realQwen)
})

function expectIds(tokenizer: Tokenizer, cases: StringCases['cases'], addSpecialTokens: boolean): void {
  for (const { text, ids } of cases) expect(tokenizer.encode(text, { addSpecialTokens }), text).toEqual(ids)
}

describe('golden strings', () => {
  it('cut vocabulary, with the post-processor', async () => {
    const { cases } = await readGolden<StringCases>('tokenizers/qwen3-embedding.json')
    expect(cases).toHaveLength(415)
    expectIds(await openTokenizer(tiny, { specialTokensInText: 'parse' }), cases, true)
  })

  it('full vocabulary', async () => {
    const { cases, tokenizer } = await readGolden<StringCases>('tokenizers/qwen3-real.json')
    const file = await readFile(join(realQwen, 'tokenizer.json'))
    expect(createHash('sha256').update(file).digest('hex')).toBe(tokenizer.sha256)
    expect(cases).toHaveLength(415)
    expectIds(await openTokenizer(realQwen, { specialTokensInText: 'parse' }), cases, false)
  })
})

describe.each(['bert-embedding', 'xlm-roberta-embedding', 'xlm-roberta-reranker'])('golden strings of %s', (name) => {
  it('alone', async () => {
    const { cases } = await readGolden<StringCases>(`tokenizers/${name}.json`)
    expect(cases).toHaveLength(415)
    expectIds(await openTokenizer(checkpointDir(name), { specialTokensInText: 'parse' }), cases, true)
  })

  it('in pairs', async () => {
    const { pairs = [] } = await readGolden<StringCases>(`tokenizers/${name}.json`)
    expect(pairs.length).toBeGreaterThan(10)
    const tokenizer = await openTokenizer(checkpointDir(name), { specialTokensInText: 'parse' })
    const { before, between, after, secondType } = tokenizer.aroundPair!
    for (const { a, b, ids, type_ids } of pairs) {
      const first = [...before, ...tokenizer.encode(a), ...between]
      const second = [...tokenizer.encode(b), ...after]
      expect([...first, ...second], `${a} / ${b}`).toEqual(ids)
      expect([...first.map(() => 0), ...second.map(() => secondType)]).toEqual(type_ids)
    }
  })
})

describe('golden prompts', () => {
  const names = [
    'qwen3-embedding',
    'qwen3-reranker',
    'qwen3-reranker-seq-cls',
    'qwen3-vl-embedding',
    'qwen3-vl-reranker',
  ]
  it.each(names)('%s', async (name) => {
    const { cases } = await readGolden<PromptCases>(`${name}/cases.json`)
    const tokenizer = await openTokenizer(checkpointDir(name), { specialTokensInText: 'parse' })
    const whole = cases.filter((one) => one.input.max_length === undefined)
    expect(whole.length).toBeGreaterThan(10)
    for (const { id, prompt, expanded_prompt, input_ids } of whole) {
      expect(tokenizer.encode(expanded_prompt ?? prompt, { addSpecialTokens: true }), id).toEqual(input_ids)
    }
  })
})

describe('user text', () => {
  it('never becomes an added token, and decodes to itself', async () => {
    const { cases } = await readGolden<StringCases>('tokenizers/qwen3-real.json')
    const added = ['<|im_end|>', '<think>', '<|vision_start|><|image_pad|><|vision_end|>']
    const firstAdded = 151_643
    for (const text of [...added, ...cases.map((one) => one.text)]) {
      const ids = real.encode(text)
      expect(
        ids.filter((id) => id >= firstAdded),
        text,
      ).toEqual([])
      expect(real.decode(ids), text).toBe(text.normalize('NFC'))
    }
  })

  const end = 151_645
  const cases: { name: string; text: RichText; specials: number[] }[] = [
    { name: 'template text', text: [template('a<|im_end|>b')], specials: [end] },
    { name: 'user text', text: [user('a<|im_end|>b')], specials: [] },
    { name: 'both', text: [template('<|im_end|>'), user('<|im_end|>'), template('<|im_end|>')], specials: [end, end] },
    { name: 'user then template', text: [user('<|im_'), template('end|>')], specials: [] },
    { name: 'template then user', text: [template('<|im_'), user('end|>')], specials: [] },
    { name: 'user in the middle', text: [template('<|im'), user('_'), template('end|>')], specials: [] },
    { name: 'empty user in the middle', text: [template('<|im_'), user(''), template('end|>')], specials: [] },
    { name: 'two template segments', text: [template('<|im_'), template('end|>')], specials: [end] },
    { name: 'not marked special', text: [template('<think>'), user('</think>')], specials: [151_667] },
  ]
  it.each(cases)('added tokens in $name', async ({ text, specials }) => {
    const ids = real.encode(text)
    expect(ids.filter((id) => id >= 151_643)).toEqual(specials)
    expect(real.decode(ids)).toBe(plainText(text))
  })

  it('merges across segments as in one text', async () => {
    const cases: RichText[] = [
      [template('Query: '), user('word')],
      [template('Query:'), user(' word'), template('s\n\n')],
      [template('e'), user('\u0301')],
      [user('don'), template("'"), user('t')],
      [template('\n'), user('\n\n'), template('\n')],
    ]
    for (const text of cases) expect(real.encode(text)).toEqual(real.encode(plainText(text)))
  })
})

describe('the rest of the interface', () => {
  it('knows its ids', async () => {
    expect(real.vocabSize).toBe(151_669)
    expect(real.tokenId('yes')).toBe(9693)
    expect(real.tokenId('<|im_end|>')).toBe(151_645)
    expect(real.tokenId('constructor of no token')).toBeUndefined()
    expect([151_645, 151_667, 9693].map((id) => real.isSpecial(id))).toEqual([true, false, false])
  })

  it('puts the post-processor around only when asked', async () => {
    const tokenizer = await openTokenizer(tiny)
    expect(tokenizer.around).toEqual({ before: [], after: [1766] })
    expect(tokenizer.encode('yes')).toEqual([1763])
    expect(tokenizer.encode('yes', { addSpecialTokens: true })).toEqual([1763, 1766])
    expect(tokenizer.decode([1763, 1766])).toBe('yes<|endoftext|>')
    expect(tokenizer.decode([1763, 1766], { skipSpecialTokens: true })).toBe('yes')
    expect(tokenizer.decode([])).toBe('')
  })

  it('refuses to decode unknown ids', async () => {
    const tokenizer = await openTokenizer(tiny)
    for (const id of [1792, -1, 0.5]) expect(() => tokenizer.decode([id])).toThrow(/cannot be decoded/)
  })

  it('decodes broken UTF-8 to replacement characters', async () => {
    const tokenizer = await openTokenizer(tiny)
    const [first] = tokenizer.encode('\u{1f44d}')
    expect(first).toBeDefined()
    expect(tokenizer.decode([first ?? 0])).toBe('\ufffd')
    expect(tokenizer.decode(tokenizer.encode('a\ud83d'))).toBe('a\ufffd')
  })
})
