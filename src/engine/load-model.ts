// A checkpoint as a program with its weights, and the head of a reranker.

import type { Checkpoint } from '../checkpoint/checkpoint.js'
import type { EncoderConfig, ModelConfig } from '../checkpoint/config.js'
import { headRows } from '../checkpoint/head-rows.js'
import type { WeightTable } from '../checkpoint/weights.js'
import type { LoadOptions } from '../devices/device.js'
import { QvlError } from '../errors.js'
import { bert, bertWeightShapes } from '../models/bert.js'
import type { Model } from '../models/model.js'
import { qwen3, qwen3WeightShapes } from '../models/qwen3.js'
import { qwen3Vl } from '../models/qwen3-vl.js'
import { type TokenHead, tokenHead } from '../models/token-head.js'
import type { Tokenizer } from '../text/tokenizer.js'

export interface LoadedModel {
  model: Model
  /** Present for rerankers whose head is made from tokens. */
  head: TokenHead | undefined
}

/** `kind` is what the prompt format is for. */
export async function loadModel(
  { config, weights }: Checkpoint,
  { kind, tokenizer }: { kind: 'embed' | 'score'; tokenizer: Tokenizer },
): Promise<LoadedModel> {
  if (kind === 'embed') return { model: await network(config, weights), head: undefined }
  const numLabels = headRows(weights)
  if (config.family === 'bert') {
    checkTokenTypes(config.encoder, tokenizer)
    // A checkpoint without a head is refused with the name of the tensor that it lacks.
    const labels = { numLabels: numLabels ?? config.classifier.numLabels ?? 1 }
    return { model: bert(config.encoder, weights, labels), head: undefined }
  }
  if (numLabels !== undefined) return { model: await network(config, weights, { numLabels }), head: undefined }
  const tokens = config.classifier.classifierFromToken ?? ['no', 'yes']
  const head = await tokenHead(weights, headTokenIds(tokenizer, tokens), config.text.tiedEmbeddings)
  return { model: await network(config, head.weights, { numLabels: 1 }), head }
}

/** The whole network, with its vision tower where it has one. */
async function network(
  config: ModelConfig,
  weights: WeightTable,
  options: { numLabels?: number } = {},
): Promise<Model> {
  switch (config.family) {
    case 'bert':
      return bert(config.encoder, weights, options)
    case 'qwen3':
      return qwen3(config.text, weights, options)
    case 'qwen3-vl':
      return qwen3Vl(config, weights, options)
    default:
      return config satisfies never
  }
}

/** The network for text without a head. */
export const networkAlone = (config: ModelConfig, weights: WeightTable): Model =>
  config.family === 'bert' ? bert(config.encoder, weights) : qwen3(config.text, weights)

/** The names and shapes of its weights. */
export const networkShapes = (config: ModelConfig): ReadonlyMap<string, readonly number[]> =>
  config.family === 'bert' ? bertWeightShapes(config.encoder, 'roberta') : qwen3WeightShapes(config.text)

/**
 * The number type of matrix products. Encoders are stored in float32 or float16 and are small, and their scores are compared
 * with published ones: they are computed in float32 unless another type is asked for. Those stored in bfloat16 have less to lose.
 */
export function dtypeOf(config: ModelConfig, dtype: LoadOptions['dtype'] = 'auto'): LoadOptions['dtype'] {
  return config.family === 'bert' && dtype === 'auto' && config.dtype !== 'BF16' ? 'float32' : dtype
}

/** A type without a row in the model's table would read what lies behind it. */
function checkTokenTypes({ numTokenTypes }: EncoderConfig, { aroundPair }: Tokenizer): void {
  if (aroundPair === undefined || aroundPair.secondType < numTokenTypes) return
  throw new QvlError('TOKENIZER_INVALID', {
    what: `The tokenizer gives the second text of a pair the token type ${aroundPair.secondType}.`,
    why: `The model has ${numTokenTypes === 1 ? 'one type' : `${numTokenTypes} types`} (type_vocab_size), counted from 0.`,
    do: "Download the checkpoint's tokenizer.json and config.json again: they do not belong together.",
    param: 'type_vocab_size',
  })
}

function headTokenIds(tokenizer: Tokenizer, tokens: readonly string[]): number[] {
  if (tokens.length > 2) {
    throw new QvlError('MODEL_UNSUPPORTED', {
      what: `classifier_from_token names ${tokens.length} tokens.`,
      why: 'A reranker compares two, such as ["no", "yes"], or takes the logit of one.',
      do: 'Name one or two tokens in --hf-overrides.',
      param: 'classifier_from_token',
    })
  }
  return tokens.map((token) => {
    const id = tokenizer.tokenId(token)
    if (id !== undefined) return id
    throw new QvlError('TOKENIZER_INVALID', {
      what: `The tokenizer has no single token "${token}".`,
      why: 'The head of this reranker is made from that token.',
      do: 'Check classifier_from_token in --hf-overrides.',
      param: 'classifier_from_token',
    })
  })
}
