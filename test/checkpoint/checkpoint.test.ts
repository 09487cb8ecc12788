import { cpSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { decoderOf } from '../support/decoder.js'
import { goldenPath } from '../support/golden.js'
import { copyOfGolden, expectError, temporaryFolder } from './folders.js'

describe('openCheckpoint', () => {
  it.each([
    ['qwen3-embedding', 'qwen3', 35, 1],
    ['qwen3-reranker', 'qwen3', 35, 1],
    ['qwen3-reranker-seq-cls', 'qwen3', 36, 1],
    ['qwen3-vl-embedding', 'qwen3-vl', 133, 3],
    ['qwen3-vl-reranker', 'qwen3-vl', 111, 1],
  ])('%s', async (name, family, numTensors, numFiles) => {
    const warnings: string[] = []
    const dir = goldenPath(`checkpoints/${name}`)
    const checkpoint = await openCheckpoint(dir, { warn: (message) => warnings.push(message) })
    expect(checkpoint.config.family).toBe(family)
    expect(checkpoint.weights.size).toBe(numTensors)
    expect(checkpoint.files).toHaveLength(numFiles)
    expect(checkpoint.weights.get('embed_tokens.weight')?.shape).toEqual([
      decoderOf(checkpoint.config).vocabSize,
      decoderOf(checkpoint.config).hidden,
    ])
    expect(checkpoint.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(warnings).toEqual([])
  })

  it('counts the bytes of the tensors', async () => {
    const { weightBytes } = await openCheckpoint(goldenPath('checkpoints/qwen3-vl-embedding'))
    // metadata.total_size of the index.
    expect(weightBytes).toBe(1_356_896)
  })

  it('takes overrides', async () => {
    const hfOverrides = { classifier_from_token: ['no', 'yes'] }
    const { config } = await openCheckpoint(goldenPath('checkpoints/qwen3-reranker'), { hfOverrides })
    expect(config.classifier.classifierFromToken).toEqual(['no', 'yes'])
  })

  it.each<[string, () => string, string, string]>([
    ['no folder', () => join(temporaryFolder(), 'nowhere'), 'MODEL_NOT_FOUND', 'nowhere'],
    ['a file', () => goldenPath('README.md'), 'MODEL_NOT_FOUND', 'README.md'],
    ['an empty folder', temporaryFolder, 'CHECKPOINT_FILE_MISSING', 'config.json'],
    [
      'no weights',
      () => {
        const dir = copyOfGolden('qwen3-reranker')
        rmSync(join(dir, 'model.safetensors'))
        return dir
      },
      'CHECKPOINT_FILE_MISSING',
      'no weights',
    ],
    [
      'truncated weights',
      () => {
        const dir = copyOfGolden('qwen3-reranker')
        truncateSync(join(dir, 'model.safetensors'), 100_000)
        return dir
      },
      'TENSOR_INVALID',
      'truncated',
    ],
  ])('refuses %s', (_what, make, code, words) => expectError(() => openCheckpoint(make()), code, words))
})

describe('the fingerprint', () => {
  const fingerprint = async (dir: string): Promise<string> => (await openCheckpoint(dir)).fingerprint

  it('is the same for a copy elsewhere', async () => {
    const original = goldenPath('checkpoints/qwen3-vl-reranker')
    expect(await fingerprint(copyOfGolden('qwen3-vl-reranker'))).toBe(await fingerprint(original))
  })

  it.each<[string, (dir: string) => void]>([
    ['the configuration', (dir) => appendSpace(join(dir, 'config.json'))],
    ['the tokenizer', (dir) => appendSpace(join(dir, 'tokenizer.json'))],
    ['the tokenizer settings', (dir) => rmSync(join(dir, 'tokenizer_config.json'))],
    ['the modules', (dir) => writeFileSync(join(dir, 'modules.json'), '[]')],
    [
      'the prompts',
      (dir) => writeFileSync(join(dir, 'config_sentence_transformers.json'), '{"prompts": {"query": "?"}}'),
    ],
    ['the longest text', (dir) => writeFileSync(join(dir, 'sentence_bert_config.json'), '{"max_seq_length": 64}')],
    ['the values of a tensor', changeWeights],
  ])('changes with %s', async (_what, change) => {
    const dir = copyOfGolden('qwen3-reranker')
    const before = await fingerprint(dir)
    change(dir)
    expect(await fingerprint(dir)).not.toBe(before)
    expect(readdirSync(dir)).toContain('model.safetensors')
  })

  it('changes with how a model pools', async () => {
    const dir = copyOfGolden('bert-embedding')
    cpSync(goldenPath('checkpoints/bert-embedding/1_Pooling'), join(dir, '1_Pooling'), { recursive: true })
    const before = await fingerprint(dir)
    appendSpace(join(dir, '1_Pooling', 'config.json'))
    expect(await fingerprint(dir)).not.toBe(before)
  })
})

function appendSpace(path: string): void {
  writeFileSync(path, ' ', { flag: 'a' })
}

/** Overwrites all data behind the header, as fine-tuning does. */
function changeWeights(dir: string): void {
  const descriptor = openSync(join(dir, 'model.safetensors'), 'r+')
  writeSync(descriptor, new Uint8Array(338_008 - 8 - 3632).fill(1), 0, undefined, 8 + 3632)
}
