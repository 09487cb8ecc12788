// The forms that the normalizer of XLM-RoBERTa has in published files, beside those of the golden checkpoints.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTokenizer, type Tokenizer } from '#qvl/text/tokenizer.js'
import { checkpointDir } from './fixtures.js'

const replace = (pattern: string, content: string) => ({ type: 'Replace', pattern: { Regex: pattern }, content })
let dir: string
let published: Record<string, unknown> & { normalizer: { normalizers: object[] } }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'qvl-xlm-roberta-'))
  published = JSON.parse(await readFile(join(checkpointDir('xlm-roberta-reranker'), 'tokenizer.json'), 'utf8'))
})
afterAll(() => rm(dir, { recursive: true }))

async function withNormalizers(normalizers: readonly object[]): Promise<Tokenizer> {
  const json = { ...published, normalizer: { type: 'Sequence', normalizers } }
  await writeFile(join(dir, 'tokenizer.json'), JSON.stringify(json))
  return openTokenizer(dir)
}

function expectTokens(tokenizer: Tokenizer, text: string, tokens: string): void {
  expect(tokenizer.encode(text).map((id) => tokenizer.tokenText(id))).toEqual(tokens.split(' '))
}

describe('a normalizer', () => {
  it('as transformers 5 writes it, without a map', async () => {
    const tokenizer = await withNormalizers([replace('[\\n\\r\\t]', ' '), { type: 'NFKC' }, replace(' {2,}', ' ')])
    expectTokens(tokenizer, 'hello\n\tworld', '▁ he ll o ▁w or ld')
    expectTokens(tokenizer, 'ﬁne\r\nb ', '▁f i n e ▁b ▁')
  })

  it('that strips the end, as in bge-m3', async () => {
    const [map = {}] = published.normalizer.normalizers
    const strip = { type: 'Strip', strip_left: false, strip_right: true }
    const tokenizer = await withNormalizers([map, strip, replace(' {2,}', '▁')])
    expectTokens(tokenizer, '  hello\n\n\tworld  ', '▁ he ll o ▁w or ld')
  })

  it('with a pattern that could backtrack is refused', async () => {
    await expect(withNormalizers([replace('( +)+$', '')])).rejects.toMatchObject({ code: 'TOKENIZER_INVALID' })
  })
})
