// Broken tokenizer files are refused with the file and the field at fault.

import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QvlError } from '#qvl/errors.js'
import { openTokenizer } from '#qvl/text/tokenizer.js'
import { checkpointDir } from './fixtures.js'

interface Split {
  pattern: { Regex: string }
  behavior: string
}

/** The parts of tokenizer.json that the cases below break. */
interface TokenizerJson {
  model: { [key: string]: unknown; vocab: Record<string, unknown>; merges: unknown[] }
  added_tokens: Record<string, unknown>[]
  pre_tokenizer: { pretokenizers: [Split, Record<string, unknown>] }
  post_processor: { processors: { single: unknown[]; special_tokens: Record<string, { ids: unknown }> }[] }
  [key: string]: unknown
}

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'qvl-tokenizer-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function openError(): Promise<QvlError> {
  const outcome: unknown = await openTokenizer(dir).catch((error: unknown) => error)
  if (!(outcome instanceof QvlError)) throw new Error('the tokenizer should have been refused')
  expect(outcome.details.why).toBeTruthy()
  expect(outcome.details.do).toBeTruthy()
  return outcome
}

const cases: { name: string; field: string; breakIt: (json: TokenizerJson) => void }[] = [
  { name: 'no model', field: 'model', breakIt: (json) => Object.assign(json, { model: undefined }) },
  { name: 'unknown model', field: 'model.type', breakIt: ({ model }) => Object.assign(model, { type: 'WordLevel' }) },
  {
    name: 'vocabulary not an object',
    field: 'model.vocab',
    breakIt: ({ model }) => Object.assign(model, { vocab: 3 }),
  },
  { name: 'empty vocabulary', field: 'model.vocab', breakIt: ({ model }) => Object.assign(model, { vocab: {} }) },
  { name: 'id twice', field: 'model.vocab', breakIt: ({ model }) => Object.assign(model.vocab, { yes: 0 }) },
  {
    name: 'id out of range',
    field: 'model.vocab',
    breakIt: ({ model }) => Object.assign(model.vocab, { yes: 2 ** 31 }),
  },
  { name: 'negative id', field: 'model.vocab', breakIt: ({ model }) => Object.assign(model.vocab, { yes: -1 }) },
  { name: 'fractional id', field: 'model.vocab', breakIt: ({ model }) => Object.assign(model.vocab, { yes: 1.5 }) },
  { name: 'id as text', field: 'model.vocab', breakIt: ({ model }) => Object.assign(model.vocab, { yes: '7' }) },
  {
    name: 'a byte without token',
    field: 'model.vocab',
    breakIt: ({ model }) => Reflect.deleteProperty(model.vocab, 'A'),
  },
  { name: 'no merges', field: 'model.merges', breakIt: ({ model }) => Reflect.deleteProperty(model, 'merges') },
  { name: 'merge of one', field: 'model.merges', breakIt: ({ model }) => model.merges.push(['a']) },
  { name: 'merge of three', field: 'model.merges', breakIt: ({ model }) => model.merges.push('a b c') },
  { name: 'merge not a pair', field: 'model.merges', breakIt: ({ model }) => model.merges.push(null) },
  {
    name: 'merge of unknown',
    field: 'model.merges',
    breakIt: ({ model }) => model.merges.push(['a', 'no such token']),
  },
  { name: 'merge into unknown', field: 'model.merges', breakIt: ({ model }) => model.merges.push(['!', 'yes']) },
  { name: 'merge twice', field: 'model.merges', breakIt: ({ model }) => model.merges.push(model.merges[0]) },
  { name: 'dropout', field: 'model.dropout', breakIt: ({ model }) => Object.assign(model, { dropout: 0.1 }) },
  {
    name: 'word suffix',
    field: 'model.end_of_word_suffix',
    breakIt: ({ model }) => Object.assign(model, { end_of_word_suffix: '</w>' }),
  },
  {
    name: 'catastrophic pattern',
    field: 'pre_tokenizer.pretokenizers[0].pattern.Regex',
    breakIt: (json) => Object.assign(json.pre_tokenizer.pretokenizers[0].pattern, { Regex: '(a+)+b' }),
  },
  {
    name: 'split behaviour',
    field: 'pre_tokenizer.pretokenizers[0].behavior',
    breakIt: (json) => Object.assign(json.pre_tokenizer.pretokenizers[0], { behavior: 'Removed' }),
  },
  {
    name: 'prefix space',
    field: 'pre_tokenizer.pretokenizers[1].add_prefix_space',
    breakIt: (json) => Object.assign(json.pre_tokenizer.pretokenizers[1], { add_prefix_space: true }),
  },
  { name: 'normalizer', field: 'normalizer', breakIt: (json) => Object.assign(json, { normalizer: { type: 'NFKC' } }) },
  { name: 'decoder', field: 'decoder', breakIt: (json) => Object.assign(json, { decoder: { type: 'Metaspace' } }) },
  { name: 'added tokens', field: 'added_tokens', breakIt: (json) => Object.assign(json, { added_tokens: {} }) },
  { name: 'empty added token', field: 'added_tokens[0].content', breakIt: (json) => set(json, { content: '' }) },
  { name: 'numeric added token', field: 'added_tokens[0].content', breakIt: (json) => set(json, { content: 5 }) },
  { name: 'added id', field: 'added_tokens[0].id', breakIt: (json) => set(json, { id: 1e9 }) },
  { name: 'added id of another', field: 'added_tokens', breakIt: (json) => set(json, { id: 1767 }) },
  { name: 'added id of the vocabulary', field: 'added_tokens', breakIt: (json) => set(json, { id: 5 }) },
  { name: 'added token twice', field: 'added_tokens[1]', breakIt: (json) => set(json, { content: '<|im_start|>' }) },
  { name: 'flag', field: 'added_tokens[0].lstrip', breakIt: (json) => set(json, { lstrip: 'no' }) },
  {
    name: 'post-processor type',
    field: 'post_processor.type',
    breakIt: (json) => Object.assign(json.post_processor, { type: 'Other' }),
  },
  {
    name: 'post-processor without sequence',
    field: 'post_processor.processors[1].single',
    breakIt: (json) => Object.assign(json.post_processor.processors[1] ?? {}, { single: [] }),
  },
  {
    name: 'post-processor id',
    field: 'post_processor.processors[1].special_tokens.<|endoftext|>.ids[0]',
    breakIt: (json) =>
      Object.assign(json.post_processor.processors[1]?.special_tokens['<|endoftext|>'] ?? {}, { ids: [5000] }),
  },
]

function set(json: TokenizerJson, fields: Record<string, unknown>): void {
  Object.assign(json.added_tokens[0] ?? {}, fields)
}

describe('content', () => {
  it.each(cases)('$name', async ({ field, breakIt }) => {
    const json: TokenizerJson = JSON.parse(
      await readFile(join(checkpointDir('qwen3-embedding'), 'tokenizer.json'), 'utf8'),
    )
    breakIt(json)
    await writeFile(join(dir, 'tokenizer.json'), JSON.stringify(json))
    const error = await openError()
    expect(error.code).toBe('TOKENIZER_INVALID')
    expect(error.details.param).toBe(field)
    expect(error.details.what).toContain(join(dir, 'tokenizer.json'))
  })

  it('added tokens of tokenizer_config.json that contradict tokenizer.json', async () => {
    await writeFile(
      join(dir, 'tokenizer.json'),
      await readFile(join(checkpointDir('qwen3-embedding'), 'tokenizer.json')),
    )
    await writeFile(
      join(dir, 'tokenizer_config.json'),
      JSON.stringify({ added_tokens_decoder: { 1800: { content: '<|im_end|>', special: true } } }),
    )
    const error = await openError()
    expect(error.details.what).toContain('tokenizer_config.json')
    expect(error.details.param).toBe('added_tokens_decoder.1800')
  })
})

describe('file', () => {
  const path = () => join(dir, 'tokenizer.json')
  const files: { name: string; make: () => Promise<unknown>; code: string }[] = [
    { name: 'missing', make: async () => {}, code: 'CHECKPOINT_FILE_MISSING' },
    { name: 'a folder', make: () => mkdir(path()), code: 'TOKENIZER_INVALID' },
    { name: 'empty', make: () => writeFile(path(), ''), code: 'TOKENIZER_INVALID' },
    { name: 'not JSON', make: () => writeFile(path(), '{"model":'), code: 'TOKENIZER_INVALID' },
    { name: 'not UTF-8', make: () => writeFile(path(), Buffer.from([0x22, 0xff, 0x22])), code: 'TOKENIZER_INVALID' },
    { name: 'a list', make: () => writeFile(path(), '[]'), code: 'TOKENIZER_INVALID' },
    {
      name: 'too large',
      make: async () => {
        await writeFile(path(), '{}')
        await truncate(path(), 65 * 2 ** 20)
      },
      code: 'TOKENIZER_INVALID',
    },
  ]
  it.each(files)('$name', async ({ make, code }) => {
    await make()
    expect((await openError()).code).toBe(code)
  })
})
