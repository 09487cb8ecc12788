import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseConfig, readConfig } from '#qvl/checkpoint/config.js'
import { goldenPath } from '../support/golden.js'

type Json = Record<string, unknown>

const golden = (name: string): Json => JSON.parse(readFileSync(goldenPath(`checkpoints/${name}/config.json`), 'utf8'))
const bert = golden('bert-embedding')
const crossEncoder = golden('xlm-roberta-reranker')

describe('the configuration of an encoder', () => {
  it('bert-embedding', async () => {
    expect(await readConfig(goldenPath('checkpoints/bert-embedding'))).toMatchObject({
      family: 'bert',
      architecture: 'BertModel',
      dtype: 'F32',
      encoder: {
        hidden: 48,
        intermediate: 96,
        numLayers: 3,
        numHeads: 3,
        headDim: 16,
        vocabSize: 1000,
        maxPositions: 512,
        positionOffset: 0,
        numTokenTypes: 2,
        layerNormEps: 1e-12,
        activation: 'gelu_erf',
      },
    })
  })

  it.each<[string, Json, object]>([
    ['XLM-RoBERTa', crossEncoder, { maxPositions: 1024, positionOffset: 2, numTokenTypes: 1, padTokenId: 1 }],
    ['RoBERTa', { ...crossEncoder, model_type: 'roberta', architectures: ['RobertaModel'] }, { positionOffset: 2 }],
    ['a language model', { ...bert, architectures: ['BertForMaskedLM'] }, { positionOffset: 0, maxPositions: 512 }],
    ['no model_type', { ...crossEncoder, model_type: undefined }, { positionOffset: 2 }],
    ['another GELU', { ...bert, hidden_act: 'gelu_new' }, { activation: 'gelu_tanh' }],
  ])('%s', (_, raw, encoder) => expect(parseConfig(raw)).toMatchObject({ family: 'bert', encoder }))

  it.each<[string, Json, string | undefined]>([
    ['nothing', {}, undefined],
    ['a regression', { problem_type: 'regression' }, 'identity'],
    ['several labels at once', { problem_type: 'multi_label_classification' }, 'sigmoid'],
    ['one of several labels', { problem_type: 'single_label_classification' }, undefined],
    ['an older CrossEncoder', { sbert_ce_default_activation_function: 'torch.nn.modules.linear.Identity' }, 'identity'],
    [
      'a newer CrossEncoder',
      { sentence_transformers: { activation_fn: 'torch.nn.modules.activation.Sigmoid', version: '4.0.1' } },
      'sigmoid',
    ],
    ['a newer CrossEncoder without a function', { sentence_transformers: { version: '4.0.1' } }, undefined],
  ])('what the head says about its logits: %s', (_, fields, activation) =>
    expect(parseConfig({ ...crossEncoder, ...fields }).classifier.activation).toBe(activation),
  )
})
