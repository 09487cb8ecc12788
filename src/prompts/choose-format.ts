// Which prompt format a checkpoint needs, from what its files say.

import { QvlError } from '../errors.js'
import type { PromptFormat, VlFormatOptions } from './prompt.js'
import { qwen3Embedding } from './qwen3-embedding.js'
import { qwen3Reranker } from './qwen3-reranker.js'
import { qwen3VlEmbedding } from './qwen3-vl-embedding.js'
import { qwen3VlReranker } from './qwen3-vl-reranker.js'
import { scoreTemplate } from './score-template.js'

/** The facts of a configuration, after `--hf-overrides`, that say what a model is for. */
interface ConfigFacts {
  family: 'qwen3' | 'qwen3-vl'
  classifier: {
    sequenceClassification: boolean
    classifierFromToken: readonly string[] | undefined
    isOriginalQwen3Reranker: boolean
  }
}

export interface ChooseFormatOptions extends VlFormatOptions {
  /** As the user named the checkpoint: a hub id or a folder. */
  id: string
  config: ConfigFacts
  sentenceTransformers: { modules: readonly { kind: string }[] | undefined } | undefined
  /** Canonical names of the checkpoint's tensors. */
  tensorNames: { has(name: string): boolean }
  /** vLLM's --convert. */
  convert?: 'auto' | 'embed' | 'classify' | undefined
  /** A score template to use instead of the official prompt of a reranker. */
  chatTemplate?: { name: string; text: string } | undefined
}

export interface ChosenFormat {
  format: PromptFormat
  /** For the start banner: what decided, such as `modules.json has a pooling module`. */
  reason: string
}

/** Throws MODEL_UNSUPPORTED when nothing says what the checkpoint is, TEMPLATE_INVALID for a chat template it cannot use. */
export function chooseFormat(options: ChooseFormatOptions): ChosenFormat {
  const { kind, reason } = chooseKind(options)
  const format = kind === 'embed' ? embedFormat(options) : scoreFormat(options)
  return { format, reason }
}

interface Choice {
  kind: PromptFormat['kind']
  reason: string
}

/** The first rule that applies. A rule nearer to the user, or to the published files, comes first. */
function chooseKind(options: ChooseFormatOptions): Choice {
  const { id, config, sentenceTransformers, convert } = options
  if (convert === 'embed') return { kind: 'embed', reason: '--convert embed' }
  if (convert === 'classify') return { kind: 'score', reason: '--convert classify' }
  const modules = sentenceTransformers?.modules?.map(({ kind }) => kind) ?? []
  const choice = byConfig(config) ?? byModules(modules) ?? byTensorsAndTokenizer(options) ?? byName(id)
  if (choice !== undefined) return choice
  throw new QvlError('MODEL_UNSUPPORTED', {
    what: `Nothing in the checkpoint ${id} says whether it is an embedding model or a reranker.`,
    why: whyUndecided(options),
    do: 'Say which it is: --convert embed for an embedding model, --convert classify for a yes/no reranker.',
  })
}

function byConfig({ classifier }: ConfigFacts): Choice | undefined {
  if (classifier.classifierFromToken !== undefined) return { kind: 'score', reason: 'classifier_from_token is set' }
  if (classifier.isOriginalQwen3Reranker) return { kind: 'score', reason: 'is_original_qwen3_reranker is set' }
  return classifier.sequenceClassification
    ? { kind: 'score', reason: 'its architecture is sequence classification' }
    : undefined
}

function byModules(modules: readonly string[]): Choice | undefined {
  if (modules.includes('logitScore')) return { kind: 'score', reason: 'modules.json has a logit score module' }
  return modules.includes('pooling') ? { kind: 'embed', reason: 'modules.json has a pooling module' } : undefined
}

function byTensorsAndTokenizer({ tensorNames, tokenizer }: ChooseFormatOptions): Choice | undefined {
  if (tensorNames.has('score.weight')) return { kind: 'score', reason: 'the weights have a score head' }
  if (tokenizer.around.after.length === 0) return undefined
  return { kind: 'embed', reason: 'the tokenizer appends an end token' }
}

/** Only the last folder of a path counts, or the model's folder in the hub cache: the others name no model. */
function byName(id: string): Choice | undefined {
  const folders = id.split(/[\\/]/).filter((folder) => folder !== '')
  const name = folders.findLast((folder) => folder.startsWith('models--')) ?? folders.at(-1) ?? ''
  const reranks = /rerank/i.test(name)
  if (reranks === /embed/i.test(name)) return undefined
  return reranks
    ? { kind: 'score', reason: 'its name contains "rerank"' }
    : { kind: 'embed', reason: 'its name contains "embed"' }
}

function whyUndecided({ tokenizer }: ChooseFormatOptions): string {
  const isSingle = (word: string) => tokenizer.encode(word).length === 1
  return isSingle('yes') && isSingle('no')
    ? 'It is a language model with the tokens "yes" and "no" but without sentence-transformers files, a score head or a telling name.'
    : 'It has no sentence-transformers files, no score head, no end token in its tokenizer and no telling name.'
}

function embedFormat(options: ChooseFormatOptions): PromptFormat {
  const { id, config, chatTemplate } = options
  if (chatTemplate !== undefined) {
    throw new QvlError('TEMPLATE_INVALID', {
      what: `The chat template ${chatTemplate.name} cannot be used with ${id}.`,
      why: 'A chat template joins a query and a document for a reranker, and this is an embedding model.',
      do: 'Leave --chat-template out.',
      param: 'chat_template',
    })
  }
  return config.family === 'qwen3' ? qwen3Embedding(options) : qwen3VlEmbedding(options)
}

function scoreFormat(options: ChooseFormatOptions): PromptFormat {
  const { config, chatTemplate, tokenizer, warn } = options
  const isText = config.family === 'qwen3'
  if (chatTemplate === undefined) return isText ? qwen3Reranker(options) : qwen3VlReranker(options)
  const family = isText ? 'qwen3-reranker' : 'qwen3-vl-reranker'
  return scoreTemplate({ tokenizer, warn, chatTemplate, family })
}
