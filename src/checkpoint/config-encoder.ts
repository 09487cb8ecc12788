// BERT and its relatives in config.json: BERT, RoBERTa and XLM-RoBERTa.

import {
  epsRange,
  headRange,
  hiddenRange,
  intermediateRange,
  layerRange,
  positionRange,
  vocabRange,
} from './config-limits.js'
import type { Fields, NumberRange } from './fields.js'

export interface EncoderConfig {
  hidden: number
  intermediate: number
  numLayers: number
  numHeads: number
  headDim: number
  vocabSize: number
  /** Rows of the position table that tokens can use. */
  maxPositions: number
  /** Row of the position table of a sequence's first token: RoBERTa counts on from its padding id. */
  positionOffset: number
  /** Rows of the table of token types; with one row every token has it. */
  numTokenTypes: number
  layerNormEps: number
  activation: 'gelu_erf' | 'gelu_tanh'
  padTokenId: number
}

const tokenTypeRange: NumberRange = { min: 1, max: 16 }

/** `gelu` is the exact one in transformers. */
const activations: Readonly<Record<string, EncoderConfig['activation']>> = {
  gelu: 'gelu_erf',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
}

/** `countsFromPadding` is true of RoBERTa. */
export function parseEncoder(fields: Fields, { countsFromPadding }: { countsFromPadding: boolean }): EncoderConfig {
  const type = fields.optionalString('position_embedding_type') ?? 'absolute'
  if (type !== 'absolute') throw fields.unsupported('position_embedding_type', 'absolute')
  if (fields.optionalBoolean('is_decoder') === true) throw fields.unsupported('is_decoder', 'false')
  const hidden = fields.int('hidden_size', hiddenRange)
  const numHeads = fields.int('num_attention_heads', headRange)
  if (hidden % (2 * numHeads) !== 0) {
    throw fields.invalid('num_attention_heads', `a number that splits hidden_size ${hidden} into even parts`)
  }
  const vocabSize = fields.int('vocab_size', vocabRange)
  const padTokenId = fields.optionalInt('pad_token_id', { min: 0, max: vocabSize - 1 }) ?? (countsFromPadding ? 1 : 0)
  const positionOffset = countsFromPadding ? padTokenId + 1 : 0
  const tablePositions = fields.int('max_position_embeddings', positionRange)
  if (tablePositions <= positionOffset) throw fields.invalid('max_position_embeddings', `above ${positionOffset}`)
  return {
    hidden,
    intermediate: fields.int('intermediate_size', intermediateRange),
    numLayers: fields.int('num_hidden_layers', layerRange),
    numHeads,
    headDim: hidden / numHeads,
    vocabSize,
    maxPositions: tablePositions - positionOffset,
    positionOffset,
    numTokenTypes: fields.int('type_vocab_size', tokenTypeRange),
    layerNormEps: fields.number('layer_norm_eps', epsRange),
    activation: parseActivation(fields),
    padTokenId,
  }
}

function parseActivation(fields: Fields): EncoderConfig['activation'] {
  const name = fields.optionalString('hidden_act') ?? 'gelu'
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined
  if (activation === undefined) throw fields.unsupported('hidden_act', Object.keys(activations).join(', '))
  return activation
}
