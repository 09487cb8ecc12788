// Brings a checkpoint's parts together: which prompt format it wants, which head it has, and its program.

import type { Checkpoint } from '../checkpoint/checkpoint.js'
import { QvlError } from '../errors.js'
import type { Model } from '../models/model.js'
import { qwen3 } from '../models/qwen3.js'
import { type TokenHead, tokenHead } from '../models/token-head.js'
import { chooseFormat } from '../prompts/choose-format.js'
import type { PromptFormat } from '../prompts/prompt.js'
import type { Tokenizer } from '../text/tokenizer.js'
import type { EngineOptions } from './requests.js'

interface Parts {
  checkpoint: Checkpoint
  tokenizer: Tokenizer
  options: EngineOptions
  warn: (message: string) => void
}

export interface LoadedModel {
  format: PromptFormat
  /** What in the checkpoint settled the format. */
  reason: string
  model: Model
  /** Present for rerankers whose head is made from tokens. */
  head: TokenHead | undefined
}

export async function loadModel({ checkpoint, tokenizer, options, warn }: Parts): Promise<LoadedModel> {
  const { config, weights, sentenceTransformers } = checkpoint
  const { format, reason } = chooseFormat({
    config,
    sentenceTransformers,
    tensorNames: weights,
    tokenizer,
    id: options.model,
    convert: options.convert,
    chatTemplate: options.chatTemplate,
    warn,
  })
  if (format.kind === 'embed') return { format, reason, model: qwen3(config.text, weights), head: undefined }
  const trained = weights.get('score.weight')
  if (trained !== undefined) {
    checkOneLabel(trained.shape)
    return { format, reason, model: qwen3(config.text, weights, { numLabels: 1 }), head: undefined }
  }
  const tokens = config.classifier.classifierFromToken ?? ['no', 'yes']
  const head = await tokenHead(weights, headTokenIds(tokenizer, tokens))
  return { format, reason, model: qwen3(config.text, head.weights, { numLabels: 1 }), head }
}

function checkOneLabel([numLabels]: readonly number[]): void {
  if (numLabels === 1) return
  throw new QvlError('MODEL_UNSUPPORTED', {
    what: `The score head of this checkpoint has ${numLabels} labels.`,
    why: 'A reranker has one label; a classifier of several does not score pairs.',
    do: 'Use a checkpoint with one label.',
    param: 'score.weight',
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
