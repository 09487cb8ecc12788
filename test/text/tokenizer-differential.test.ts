// The tokenizer against the Rust library on generated text.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tokenizer as RustTokenizer } from 'tokenizers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RichText, template, user } from '#qvl/text/rich-text.js'
import { openTokenizer, type Tokenizer } from '#qvl/text/tokenizer.js'
import { checkpointDir, realQwen } from './fixtures.js'
import { generatedText, generatedTexts, pick, randomSource } from './generated-text.js'

const numTexts = 3000

interface TokenizerJson {
  added_tokens: { id: number; content: string; [flag: string]: unknown }[]
  [key: string]: unknown
}

async function readTokenizer(dir: string): Promise<TokenizerJson> {
  return JSON.parse(await readFile(join(dir, 'tokenizer.json'), 'utf8'))
}

const rustFrom = (json: TokenizerJson) => RustTokenizer.fromString(JSON.stringify(json))

async function rustIds(rust: RustTokenizer, texts: readonly string[]): Promise<number[][]> {
  const encodings = await rust.encodeBatch([...texts], { addSpecialTokens: false })
  return encodings.map((encoding) => encoding.getIds())
}

function expectSame(tokenizer: Tokenizer, texts: readonly string[], expected: readonly number[][]): void {
  for (const [i, text] of texts.entries()) {
    expect(tokenizer.encode(text), JSON.stringify(text.slice(0, 200))).toEqual(expected[i])
  }
}

const vocabularies = [
  { name: 'cut vocabulary', dir: checkpointDir('qwen3-reranker') },
  { name: 'full vocabulary', dir: realQwen },
]

describe.each(vocabularies)('$name', ({ dir }) => {
  const texts = generatedTexts(1, numTexts)

  it('parses added tokens as the Rust library does', async () => {
    const expected = await rustIds(rustFrom(await readTokenizer(dir)), texts)
    const tokenizer = await openTokenizer(dir, { specialTokensInText: 'parse' })
    expectSame(tokenizer, texts, expected)
  })

  it('takes user text as the Rust library without added tokens', async () => {
    const expected = await rustIds(rustFrom({ ...(await readTokenizer(dir)), added_tokens: [] }), texts)
    const tokenizer = await openTokenizer(dir)
    expectSame(tokenizer, texts, expected)
  })

  it('decodes as the Rust library does', async () => {
    const random = randomSource(2)
    const tokenizer = await openTokenizer(dir)
    const rust = rustFrom(await readTokenizer(dir))
    for (let i = 0; i < 300; i++) {
      const ids = Array.from({ length: 1 + Math.floor(random() * 8) }, () => Math.floor(random() * tokenizer.vocabSize))
      for (const skipSpecialTokens of [true, false]) {
        expect(tokenizer.decode(ids, { skipSpecialTokens }), ids.join()).toBe(await rust.decode(ids, skipSpecialTokens))
      }
    }
  })

  it('tokenises user text between template tokens as one plain text', async () => {
    const random = randomSource(3)
    const json = await readTokenizer(dir)
    const rust = rustFrom({ ...json, added_tokens: [] })
    const tokenizer = await openTokenizer(dir)
    for (let i = 0; i < 500; i++) {
      const text: RichText[number][] = []
      const expected: number[] = []
      for (let run = 0; run < 3; run++) {
        const pieces = Array.from({ length: 3 }, () => generatedText(random).replace(/[\ud800-\udfff]/g, '?'))
        const token = pick(random, json.added_tokens)
        text.push(...pieces.map(user), template(token.content))
        expected.push(...((await rustIds(rust, [pieces.join('')]))[0] ?? []), token.id)
      }
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(expected)
    }
  })
})

describe('long pieces', () => {
  it('merges them as the Rust library does', async () => {
    const random = randomSource(4)
    const runs = [
      'a',
      'क',
      '!',
      '=',
      ' ',
      '\n',
      'ab',
      'word',
      '🏳️‍🌈',
      '\u0301\u0327',
      '\u0345\u0334\u0301',
      '\u0f72\u0f71\u0300',
    ]
    const texts = runs.map((run) => `x${run.repeat(1 + Math.floor(random() * 3000))}`)
    texts.push(Array.from({ length: 5000 }, () => pick(random, [...'etaoinshr'])).join(''))
    const expected = await rustIds(rustFrom(await readTokenizer(realQwen)), texts)
    const tokenizer = await openTokenizer(realQwen)
    expectSame(tokenizer, texts, expected)
  })
})

describe('flags of added tokens', () => {
  let dir = ''
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'qvl-tokenizer-'))
  })
  afterAll(() => rm(dir, { recursive: true }))

  const flagSets = ['lstrip', 'rstrip', 'single_word', 'normalized'].flatMap((flag, i, flags) => [
    [flag],
    ...flags.slice(i + 1).map((other) => [flag, other]),
  ])
  it.each(flagSets.map((flags) => ({ flags })))('$flags', async ({ flags }) => {
    const json = await readTokenizer(checkpointDir('qwen3-reranker'))
    const on = Object.fromEntries(flags.map((flag) => [flag, true]))
    for (const token of json.added_tokens.slice(0, 6)) Object.assign(token, on)
    Object.assign(json.added_tokens[25] ?? {}, on, { content: 'zqw' })
    Object.assign(json.added_tokens[24] ?? {}, on, { content: 'e\u0301t\u00e9' })
    await writeFile(join(dir, 'tokenizer.json'), JSON.stringify(json))
    const random = randomSource(5)
    const blocks = [
      'zqw',
      'e\u0301te\u0301',
      '\u00e9t\u00e9',
      ...json.added_tokens.slice(0, 6).map((token) => token.content),
    ]
    const texts = Array.from({ length: 400 }, () =>
      Array.from({ length: 6 }, () =>
        pick(random, [pick(random, blocks), pick(random, ['  ', '\n', '\u3000']), generatedText(random).slice(0, 3)]),
      ).join(''),
    )
    const expected = await rustIds(rustFrom(json), texts)
    const tokenizer = await openTokenizer(dir, { specialTokensInText: 'parse' })
    expectSame(tokenizer, texts, expected)
  })
})

describe('the split of GPT-2, which RoBERTa has', () => {
  const texts = [
    ...generatedTexts(7, numTexts),
    "don't we'll I'VE they're",
    ' a  b\n\nc',
    "  '' 's",
    'x\u0085y\u3000z  ',
  ]

  it.each([true, false])('with a blank before the text: %s', async (addPrefixSpace) => {
    const pre_tokenizer = { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: true }
    const json = { ...(await readTokenizer(checkpointDir('qwen3-reranker'))), normalizer: null, pre_tokenizer }
    const dir = await mkdtemp(join(tmpdir(), 'qvl-gpt2-'))
    try {
      await writeFile(join(dir, 'tokenizer.json'), JSON.stringify(json))
      const expected = await rustIds(rustFrom({ ...json, added_tokens: [] }), texts)
      expectSame(await openTokenizer(dir), texts, expected)
    } finally {
      await rm(dir, { recursive: true })
    }
  })
})
