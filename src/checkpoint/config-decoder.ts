// The decoder's part of config.json: Qwen3, and the text side of Qwen3-VL.

import {
  epsRange,
  headDimRange,
  headRange,
  hiddenRange,
  intermediateRange,
  layerRange,
  positionRange,
  vocabRange,
} from './config-limits.js'
import { parseMropeSection, parseRopeTheta } from './config-rope.js'
import type { Fields } from './fields.js'

export interface DecoderConfig {
  hidden: number
  intermediate: number
  numLayers: number
  numHeads: number
  numKvHeads: number
  /** Not hidden / numHeads in general: Qwen3-0.6B has 128 where that would be 64. */
  headDim: number
  vocabSize: number
  maxPositions: number
  ropeTheta: number
  rmsEps: number
  /** Whether the language-model head is the embedding table. */
  tiedEmbeddings: boolean
  padTokenId: number | undefined
  /** The first one where the configuration lists several. */
  eosTokenId: number | undefined
}

export interface VlDecoderConfig extends DecoderConfig {
  /** Frequency slots of the time, height and width axes; they sum to headDim / 2. */
  mropeSection: readonly [number, number, number]
  mropeInterleaved: true
}

/** `tiedEmbeddings` is the whole model's setting where it has one outside the decoder's part. */
export function parseDecoder(fields: Fields, tiedEmbeddings?: boolean): DecoderConfig {
  checkSupported(fields)
  const hidden = fields.int('hidden_size', hiddenRange)
  const vocabSize = fields.int('vocab_size', vocabRange)
  return {
    hidden,
    intermediate: fields.int('intermediate_size', intermediateRange),
    numLayers: fields.int('num_hidden_layers', layerRange),
    ...parseHeads(fields, hidden),
    vocabSize,
    maxPositions: fields.int('max_position_embeddings', positionRange),
    ropeTheta: parseRopeTheta(fields),
    rmsEps: fields.number('rms_norm_eps', epsRange),
    // Both transformers layouts leave the key out only where it is false, as Qwen3Config has it.
    tiedEmbeddings: tiedEmbeddings ?? fields.optionalBoolean('tie_word_embeddings') ?? false,
    padTokenId: fields.optionalInt('pad_token_id', { min: 0, max: vocabSize - 1 }),
    eosTokenId: parseEosTokenId(fields, vocabSize),
  }
}

export function parseVlDecoder(fields: Fields, tiedEmbeddings?: boolean): VlDecoderConfig {
  const text = parseDecoder(fields, tiedEmbeddings)
  return { ...text, mropeSection: parseMropeSection(fields, text.headDim), mropeInterleaved: true }
}

/** Refuses what changes the network and what no supported checkpoint has. */
function checkSupported(fields: Fields): void {
  const activation = fields.optionalString('hidden_act')
  if (activation !== undefined && activation !== 'silu') throw fields.unsupported('hidden_act', 'silu')
  if (fields.optionalBoolean('attention_bias') === true) throw fields.unsupported('attention_bias', 'false')
  // Set by embedding models that were trained without the causal mask.
  if (fields.optionalBoolean('is_causal') === false) throw fields.unsupported('is_causal', 'true')
  if (fields.optionalBoolean('use_sliding_window') === true) throw fields.unsupported('use_sliding_window', 'false')
  const layerTypes = fields.optionalStrings('layer_types')
  if (layerTypes?.some((type) => type !== 'full_attention')) {
    throw fields.unsupported('layer_types', 'full_attention in every layer')
  }
}

function parseHeads(fields: Fields, hidden: number): Pick<DecoderConfig, 'numHeads' | 'numKvHeads' | 'headDim'> {
  const numHeads = fields.int('num_attention_heads', headRange)
  const numKvHeads = fields.int('num_key_value_heads', headRange)
  if (numHeads % numKvHeads !== 0) {
    throw fields.invalid('num_key_value_heads', `a divisor of num_attention_heads, ${numHeads}`)
  }
  const headDim = fields.optionalInt('head_dim', headDimRange) ?? hidden / numHeads
  if (!Number.isInteger(headDim)) throw fields.invalid('num_attention_heads', `a divisor of hidden_size, ${hidden}`)
  if (headDim % 2 !== 0) throw fields.invalid('head_dim', 'even, because rotary positions turn pairs')
  return { numHeads, numKvHeads, headDim }
}

function parseEosTokenId(fields: Fields, vocabSize: number): number | undefined {
  const range = { min: 0, max: vocabSize - 1 }
  return fields.isList('eos_token_id')
    ? fields.ints('eos_token_id', range)[0]
    : fields.optionalInt('eos_token_id', range)
}
