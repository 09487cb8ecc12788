import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSentenceTransformers } from '#qvl/checkpoint/sentence-transformers.js'
import { goldenPath } from '../support/golden.js'
import { expectError, temporaryFolder } from './folders.js'

/** A folder with these JSON files. */
function folder(files: Record<string, unknown>): string {
  const dir = temporaryFolder()
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), JSON.stringify(content))
  }
  return dir
}

const pooled = (pooling: unknown): Record<string, unknown> => ({
  'modules.json': [{ idx: 0, name: '0', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' }],
  '1_Pooling/config.json': pooling,
})

describe('readSentenceTransformers', () => {
  it('reads the golden embedder', async () => {
    expect(await readSentenceTransformers(goldenPath('checkpoints/qwen3-embedding'))).toEqual({
      modules: [
        { kind: 'transformer', path: '' },
        { kind: 'pooling', path: '1_Pooling' },
        { kind: 'normalize', path: '2_Normalize' },
      ],
      pooling: { modes: ['lastToken'], dimension: 64, includePrompt: true },
      logitScore: undefined,
      prompts: {
        prompts: new Map([
          ['query', 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:'],
          ['document', ''],
        ]),
        defaultPromptName: undefined,
        similarity: 'cosine',
      },
      limits: undefined,
    })
  })

  it('is undefined where there are no such files', async () => {
    expect(await readSentenceTransformers(goldenPath('checkpoints/qwen3-reranker'))).toBeUndefined()
  })

  it('reads a reranker of the newer layout', async () => {
    const dir = folder({
      'modules.json': [
        { idx: 0, name: '0', path: '', type: 'sentence_transformers.base.modules.transformer.Transformer' },
        { idx: 1, name: '1', path: '1_LogitScore', type: 'sentence_transformers.cross_encoder.modules.LogitScore' },
      ],
      '1_LogitScore/config.json': { true_token_id: 9693, false_token_id: 2152 },
      'sentence_bert_config.json': { max_seq_length: 8192, do_lower_case: false },
    })
    expect(await readSentenceTransformers(dir)).toMatchObject({
      modules: [{ kind: 'transformer' }, { kind: 'logitScore' }],
      logitScore: { trueTokenId: 9693, falseTokenId: 2152 },
      pooling: undefined,
      limits: { maxSeqLength: 8192, doLowerCase: false },
    })
  })

  it.each(['sentence_bert_config.json', 'sentence_roberta_config.json', 'sentence_xlm-roberta_config.json'])(
    'the limits of %s',
    async (name) => {
      const read = await readSentenceTransformers(folder({ [name]: { max_seq_length: 128, do_lower_case: true } }))
      expect(read?.limits).toEqual({ maxSeqLength: 128, doLowerCase: true })
    },
  )

  it.each<[string, unknown, unknown]>([
    ['one flag', { pooling_mode_mean_tokens: true, word_embedding_dimension: 8 }, ['mean']],
    ['two flags', { pooling_mode_mean_tokens: true, pooling_mode_cls_token: true }, ['cls', 'mean']],
    ['a name', { pooling_mode: 'lasttoken', embedding_dimension: 8 }, ['lastToken']],
    ['a list', { pooling_mode: ['mean', 'max'] }, ['mean', 'max']],
  ])('pooling by %s', async (_what, pooling, modes) => {
    expect((await readSentenceTransformers(folder(pooled(pooling))))?.pooling?.modes).toEqual(modes)
  })

  it.each<[string, Record<string, unknown>, string, string]>([
    [
      'a module of another class',
      { 'modules.json': [{ type: 'custom.Whitening', path: '1_W' }] },
      'MODEL_UNSUPPORTED',
      'Whitening',
    ],
    [
      'an inherited name as class',
      { 'modules.json': [{ type: 'x.toString', path: '' }] },
      'MODEL_UNSUPPORTED',
      'toString',
    ],
    ['a transformer elsewhere', { 'modules.json': [{ type: 'Transformer', path: '0_T' }] }, 'MODEL_UNSUPPORTED', '0_T'],
    ['modules that are no list', { 'modules.json': {} }, 'CONFIG_INVALID', 'list'],
    ['a module without a type', { 'modules.json': [{ path: '' }] }, 'CONFIG_INVALID', '[0].type'],
    [
      'a missing pooling file',
      { 'modules.json': [{ type: 'Pooling', path: '1_P' }] },
      'CHECKPOINT_FILE_MISSING',
      '1_P',
    ],
    ['no pooling mode', pooled({ pooling_mode_mean_tokens: false }), 'CONFIG_INVALID', 'pooling_mode'],
    ['an unknown pooling mode', pooled({ pooling_mode: 'median' }), 'CONFIG_INVALID', 'lasttoken'],
    ['an empty list of modes', pooled({ pooling_mode: [] }), 'CONFIG_INVALID', 'lasttoken'],
    [
      'a default prompt that is not there',
      { 'config_sentence_transformers.json': { prompts: { a: '' }, default_prompt_name: 'b' } },
      'CONFIG_INVALID',
      'default_prompt_name',
    ],
    [
      'a prompt that is no text',
      { 'config_sentence_transformers.json': { prompts: { a: 1 } } },
      'CONFIG_INVALID',
      'prompts.a',
    ],
    ['a length of 0', { 'sentence_bert_config.json': { max_seq_length: 0 } }, 'CONFIG_INVALID', 'max_seq_length'],
  ])('refuses %s', (_what, files, code, words) =>
    expectError(() => readSentenceTransformers(folder(files)), code, words),
  )

  it.each(['..', '../x', '/etc', 'a/b', 'a\\b', '.', 'C:', 'a\0'])('refuses %j as the path of a module', (path) =>
    expectError(
      () => readSentenceTransformers(folder({ 'modules.json': [{ type: 'Pooling', path }] })),
      'CONFIG_INVALID',
      'plain name',
    ),
  )
})
