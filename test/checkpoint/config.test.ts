import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ModelConfig, parseConfig, readConfig } from '#qvl/checkpoint/config.js'
import { decoderOf } from '../support/decoder.js'
import { goldenPath } from '../support/golden.js'
import { errorOf, expectError } from './folders.js'

type Json = Record<string, unknown>

const golden = (name: string): Json => JSON.parse(readFileSync(goldenPath(`checkpoints/${name}/config.json`), 'utf8'))
const qwen3 = golden('qwen3-reranker')
const vl = golden('qwen3-vl-reranker')
const bert = golden('bert-embedding')
const crossEncoder = golden('xlm-roberta-reranker')

/** The object with one field, named by its path, set to a value; undefined removes it. */
function withField(object: Json, path: string, value: unknown): Json {
  const [first, ...rest] = path.split('.')
  if (first === undefined) return object
  const inner = rest.length === 0 ? value : withField({ ...(object[first] as Json) }, rest.join('.'), value)
  const { [first]: _old, ...others } = object
  return inner === undefined ? others : { ...others, [first]: inner }
}

describe('the golden configurations', () => {
  it('qwen3-embedding', async () => {
    expect(await readConfig(goldenPath('checkpoints/qwen3-embedding'))).toEqual({
      family: 'qwen3',
      architecture: 'Qwen3ForCausalLM',
      dtype: 'BF16',
      text: {
        hidden: 64,
        intermediate: 112,
        numLayers: 3,
        numHeads: 4,
        numKvHeads: 2,
        headDim: 32,
        vocabSize: 1792,
        maxPositions: 32768,
        ropeTheta: 1e6,
        rmsEps: 1e-6,
        tiedEmbeddings: true,
        padTokenId: undefined,
        eosTokenId: 1768,
      },
      classifier: {
        sequenceClassification: false,
        numLabels: undefined,
        labelNames: new Map(),
        activation: undefined,
        classifierFromToken: undefined,
        isOriginalQwen3Reranker: false,
        method: undefined,
      },
      matryoshkaDimensions: undefined,
    })
  })

  it('qwen3-reranker-seq-cls', async () => {
    const config = await readConfig(goldenPath('checkpoints/qwen3-reranker-seq-cls'))
    expect(config).toMatchObject({
      family: 'qwen3',
      dtype: 'F32',
      text: { hidden: 48, numKvHeads: 1, ropeTheta: 1e6, padTokenId: 1766 },
      classifier: { sequenceClassification: true, numLabels: 1 },
    })
  })

  it.each([
    [
      'qwen3-vl-embedding',
      { headDim: 32, mropeSection: [6, 5, 5], mropeInterleaved: true, ropeTheta: 5e6 },
      { depth: 5, hidden: 40, headDim: 20, positionGridSize: 48, deepstackIndexes: [0, 2, 3], ropeTheta: 1e4 },
    ],
    [
      'qwen3-vl-reranker',
      { headDim: 128, mropeSection: [24, 20, 20], mropeInterleaved: true, ropeTheta: 5e6 },
      { depth: 4, hidden: 72, headDim: 72, positionGridSize: 24, deepstackIndexes: [0, 1, 3], ropeTheta: 1e4 },
    ],
  ])('%s', async (name, text, vision) => {
    const config = await readConfig(goldenPath(`checkpoints/${name}`))
    expect(config).toMatchObject({
      family: 'qwen3-vl',
      architecture: 'Qwen3VLForConditionalGeneration',
      dtype: 'BF16',
      text: { ...text, tiedEmbeddings: false },
      vision: { ...vision, patchSize: 16, temporalPatchSize: 2, spatialMergeSize: 2, inChannels: 3 },
      imageTokenId: 1778,
      videoTokenId: 1779,
      visionStartTokenId: 1775,
      visionEndTokenId: 1776,
    })
  })
})

describe('the layouts of transformers 4 and 5 give the same configuration', () => {
  it('qwen3', () => {
    const { rope_theta, rope_scaling: _none, torch_dtype, ...rest } = qwen3
    const v5 = { ...rest, dtype: torch_dtype, rope_parameters: { rope_theta, rope_type: 'default' } }
    expect(parseConfig(v5)).toEqual(parseConfig(qwen3))
  })

  it('qwen3_vl', () => {
    const { rope_parameters, ...text } = vl.text_config as Json
    const { rope_theta, ...rope_scaling } = rope_parameters as Json
    const { rope_parameters: _axial, ...vision } = vl.vision_config as Json
    const { dtype, ...rest } = vl
    const v4 = {
      ...rest,
      torch_dtype: dtype,
      text_config: { ...text, rope_theta, rope_scaling },
      vision_config: vision,
    }
    expect(parseConfig(v4)).toEqual(parseConfig(vl))
  })
})

describe('what may be left out', () => {
  it.each<[string, Json, (config: ModelConfig) => unknown, unknown]>([
    ['model_type', withField(qwen3, 'model_type', undefined), (config) => config.family, 'qwen3'],
    ['model_type of VL', withField(vl, 'model_type', undefined), (config) => config.family, 'qwen3-vl'],
    ['architectures', withField(qwen3, 'architectures', undefined), (config) => config.architecture, 'Qwen3Model'],
    ['head_dim', withField(qwen3, 'head_dim', undefined), (config) => decoderOf(config).headDim, 12],
    ['dtype', withField(qwen3, 'torch_dtype', undefined), (config) => config.dtype, undefined],
    [
      'tie_word_embeddings',
      withField(qwen3, 'tie_word_embeddings', undefined),
      (c) => decoderOf(c).tiedEmbeddings,
      false,
    ],
    [
      'the whole model ties',
      withField(vl, 'tie_word_embeddings', true),
      (config) => decoderOf(config).tiedEmbeddings,
      true,
    ],
    ['one of several ends', withField(qwen3, 'eos_token_id', [5, 6]), (config) => decoderOf(config).eosTokenId, 5],
    ['unknown fields', { ...qwen3, _attn_implementation_internal: 'x', a: { b: 1 } }, (c) => decoderOf(c).hidden, 48],
    [
      'a supported class among others',
      { ...qwen3, architectures: ['X', 'Qwen3Model'] },
      (c) => c.architecture,
      'Qwen3Model',
    ],
    ['matryoshka sizes', { ...qwen3, matryoshka_dimensions: [8, 48] }, (c) => c.matryoshkaDimensions, [8, 48]],
    ['any matryoshka size', { ...qwen3, is_matryoshka: true }, (c) => c.matryoshkaDimensions, 'any'],
    ['no matryoshka', { ...qwen3, is_matryoshka: false }, (c) => c.matryoshkaDimensions, undefined],
  ])('%s', (_what, raw, pick, expected) => expect(pick(parseConfig(raw))).toEqual(expected))
})

describe('a bad value is refused, and its field named', () => {
  it.each<[string, unknown, string, Json?]>([
    ['num_hidden_layers', 1e9, 'from 1 to 1024'],
    ['num_hidden_layers', 0, 'from 1 to 1024'],
    ['num_hidden_layers', '3', '"3"'],
    ['num_hidden_layers', 2.5, '2.5'],
    ['num_hidden_layers', Number.NaN, 'NaN'],
    ['num_hidden_layers', undefined, 'missing'],
    ['num_hidden_layers', null, 'missing'],
    ['num_hidden_layers', [3], 'list'],
    ['hidden_size', -48, 'from 1'],
    ['hidden_size', 2 ** 40, 'from 1'],
    ['intermediate_size', 0, 'from 1'],
    ['vocab_size', 2 ** 31, 'from 1'],
    ['max_position_embeddings', 0, 'from 1'],
    ['num_attention_heads', true, 'whole'],
    ['num_key_value_heads', 3, 'divisor'],
    ['num_key_value_heads', 8, 'divisor'],
    ['num_key_value_heads', undefined, 'missing'],
    ['head_dim', 33, 'even'],
    ['head_dim', 100_000, 'from 2'],
    ['num_attention_heads', 5, 'divisor', withField(qwen3, 'head_dim', undefined)],
    ['rms_norm_eps', 0, 'from'],
    ['rms_norm_eps', 1, 'from'],
    ['rope_theta', undefined, 'missing'],
    ['rope_theta', Number.POSITIVE_INFINITY, 'Infinity'],
    ['rope_theta', 1e6, '10000', { ...qwen3, rope_parameters: { rope_theta: 1e4 } }],
    ['pad_token_id', 1792, 'from 0 to 1791'],
    ['eos_token_id', -1, 'from 0 to 1791'],
    ['eos_token_id', [1, 1792], 'from 0 to 1791'],
    ['tie_word_embeddings', 'yes', 'true or false'],
    ['torch_dtype', 'float64', 'bfloat16'],
    ['torch_dtype', 'toString', 'bfloat16'],
    ['architectures', 'Qwen3Model', 'list of texts'],
    ['model_type', 3, 'text'],
    ['matryoshka_dimensions', [49], 'from 1 to 48'],
    ['num_labels', 0, 'from 1'],
    ['num_labels', 1, '2', { ...qwen3, id2label: { 0: 'a', 1: 'b' } }],
    ['classifier_from_token', [1, 2], 'list of texts'],
    ['classifier_from_token', [], 'at least one'],
    ['classifier_from_token', ['a', 'b', 'c'], 'two tokens', { ...qwen3, is_original_qwen3_reranker: true }],
    ['method', 'magic', 'from_2_way_softmax'],
    ['text_config', undefined, 'missing', vl],
    ['vision_config', 7, 'an object', vl],
    ['text_config.hidden_size', 'wide', 'whole', vl],
    ['text_config.rope_parameters.rope_theta', undefined, 'missing', vl],
    ['text_config.rope_parameters.mrope_section', undefined, 'missing', vl],
    ['text_config.rope_parameters.mrope_section', [24, 20, 21], 'sum to 64', vl],
    ['text_config.rope_parameters.mrope_section', [24, 40], 'three', vl],
    ['text_config.rope_parameters.mrope_section', [24, -20, 60], 'from 0', vl],
    ['text_config.rope_parameters.mrope_section', [10, 22, 32], 'third', vl],
    ['image_token_id', 1800, 'from 0 to 1799', vl],
    ['vision_end_token_id', undefined, 'missing', vl],
    ['vision_config.depth', 1e9, 'from 1 to 1024', vl],
    ['vision_config.num_heads', 5, 'multiples of 4', vl],
    ['vision_config.patch_size', 0, 'from 1', vl],
    ['vision_config.temporal_patch_size', 0, 'from 1', vl],
    ['vision_config.spatial_merge_size', -2, 'from 1', vl],
    ['vision_config.in_channels', 4, 'from 3 to 3', vl],
    ['vision_config.num_position_embeddings', 577, 'square', vl],
    ['vision_config.out_hidden_size', 64, '80', vl],
    ['vision_config.deepstack_visual_indexes', [0, 1, 4], 'from 0 to 3', vl],
    ['vision_config.deepstack_visual_indexes', [0, 0], 'repetition', vl],
    ['vision_config.deepstack_visual_indexes', [0, 1, 2, 3], '3 layers', vl],
    ['num_attention_heads', 5, 'even parts', bert],
    ['layer_norm_eps', undefined, 'missing', bert],
    ['type_vocab_size', 0, 'from 1', bert],
    ['max_position_embeddings', 2, 'above 2', crossEncoder],
  ])('%s = %j', async (path, value, words, base = qwen3) => {
    const action = (): unknown => parseConfig(withField(base, path, value))
    await expectError(action, 'CONFIG_INVALID', ['config.json', words])
    expect((await errorOf(action)).details.param).toBe(path)
  })

  it.each([[[]], ['text'], [null], [3]])('%j is not a configuration', (raw) =>
    expectError(() => parseConfig(raw), 'CONFIG_INVALID', 'not a JSON object'),
  )

  it('neither model_type nor architectures', () =>
    expectError(() => parseConfig({}), 'CONFIG_INVALID', ['model_type', 'qwen3, qwen3_vl']))
})

describe('what qvl does not run is named', () => {
  it.each<[string, unknown, string, Json?]>([
    ['model_type', 'llama', 'llama'],
    ['model_type', 'qwen3_vl_moe', 'qwen3_vl_moe'],
    ['architectures', ['Qwen3MoeForCausalLM'], 'Qwen3MoeForCausalLM'],
    ['architectures', ['Qwen3ForCausalLM'], 'Qwen3ForCausalLM', vl],
    ['architectures', ['MPNetModel'], 'MPNetModel', withField(qwen3, 'model_type', undefined)],
    ['hidden_act', 'gelu', 'gelu'],
    ['attention_bias', true, 'attention_bias'],
    ['use_sliding_window', true, 'use_sliding_window'],
    ['is_causal', false, 'is_causal'],
    ['layer_types', ['full_attention', 'sliding_attention'], 'layer_types'],
    ['rope_scaling', { rope_type: 'yarn', factor: 4 }, 'yarn'],
    ['rope_scaling', { type: 'linear', factor: 2 }, 'linear'],
    ['rope_parameters', { rope_type: 'dynamic', rope_theta: 1e6 }, 'dynamic'],
    ['rope_parameters', { partial_rotary_factor: 0.5, rope_theta: 1e6 }, 'partial_rotary_factor'],
    ['quantization_config', { quant_method: 'gptq' }, 'quantization_config'],
    ['text_config.rope_parameters.mrope_interleaved', false, 'mrope_interleaved', vl],
    ['vision_config.hidden_act', 'silu', 'hidden_act', vl],
    ['vision_config.rope_parameters.rope_type', 'yarn', 'yarn', vl],
    ['model_type', 'mpnet', 'mpnet', bert],
    ['model_type', 'nomic_bert', 'nomic_bert', bert],
    ['model_type', 'modernbert', 'modernbert', bert],
    ['model_type', 'new', 'new', bert],
    ['model_type', 'distilbert', 'distilbert', bert],
    ['architectures', ['BertForTokenClassification'], 'BertForTokenClassification', bert],
    ['position_embedding_type', 'relative_key', 'position_embedding_type', bert],
    ['hidden_act', 'swiglu', 'hidden_act', bert],
    ['is_decoder', true, 'is_decoder', bert],
    ['sentence_transformers', { activation_fn: 'torch.nn.modules.activation.Tanh' }, 'Tanh', crossEncoder],
  ])('%s = %j', (path, value, words, base = qwen3) =>
    expectError(() => parseConfig(withField(base, path, value)), 'MODEL_UNSUPPORTED', ['config.json', words]),
  )

  it('with the list of what it runs', () =>
    expectError(() => parseConfig({ ...qwen3, model_type: 'llama' }), 'MODEL_UNSUPPORTED', [
      'qwen3 (Qwen3Model, Qwen3ForCausalLM, Qwen3ForSequenceClassification)',
      'qwen3_vl (Qwen3VLModel,',
      'bert (BertModel, BertForSequenceClassification, BertForMaskedLM)',
      'roberta (RobertaModel,',
      'xlm-roberta (XLMRobertaModel,',
    ]))
})
