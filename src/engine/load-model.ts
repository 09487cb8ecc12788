// A checkpoint as a program with its weights, and the head of a reranker.

import type { Checkpoint } from '../checkpoint/checkpoint.js'
import { QvlError } from '../errors.js'
import type { Model } from '../models/model.js'
import { qwen3 } from '../models/qwen3.js'
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
  if (kind === 'embed') return { model: qwen3(config.text, weights), head: undefined }
  const numLabels = weights.get('score.weight')?.shape[0]
  if (numLabels !== undefined) return { model: qwen3(config.text, weights, { numLabels }), head: undefined }
  const tokens = config.classifier.classifierFromToken ?? ['no', 'yes']
  const head = await tokenHead(weights, headTokenIds(tokenizer, tokens))
  return { model: qwen3(config.text, head.weights, { numLabels: 1 }), head }
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
