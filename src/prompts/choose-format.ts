// Which prompt format a checkpoint needs, from what its files say.

import { QvlError } from '../errors.js'
import { crossEncoder } from './cross-encoder.js'
import { encoderEmbedding } from './encoder-embedding.js'
import type { Pooling, PromptFormat, VlFormatOptions } from './prompt.js'
import { qwen3Embedding } from './qwen3-embedding.js'
import { qwen3Reranker } from './qwen3-reranker.js'
import { qwen3VlEmbedding } from './qwen3-vl-embedding.js'
import { qwen3VlReranker } from './qwen3-vl-reranker.js'
import { scoreTemplate } from './score-template.js'
import { checkLastToken, checkModules, type SentenceFacts, sentenceRecipe } from './sentence-recipe.js'

/** The facts of a configuration, after `--hf-overrides`, that say what a model is for. */
interface ConfigFacts {
  family: 'qwen3' | 'qwen3-vl' | 'bert'
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
  sentenceTransformers: SentenceFacts | undefined
  /** Canonical names of the checkpoint's tensors. */
  tensorNames: { has(name: string): boolean }
  /** vLLM's --convert. */
  convert?: 'auto' | 'embed' | 'classify' | undefined
  /** A score template to use instead of the official prompt of a reranker. */
  chatTemplate?: { name: string; text: string } | undefined
  /** Name of the prompt that encoders put before texts whose requests name none. */
  defaultPrompt?: string | undefined
  /** How encoders pool, in place of what the checkpoint says. */
  pooling?: Pooling | undefined
}

export interface ChosenFormat {
  format: PromptFormat
  /** Pairs are scored by the vectors of their tokens (MaxSim), since the model pools none. */
  lateInteraction: boolean
  /** For the start banner: what decided, such as `modules.json has a pooling module`. */
  reason: string
}

/** Throws MODEL_UNSUPPORTED when nothing says what the checkpoint is, TEMPLATE_INVALID for a chat template it cannot use. */
export function chooseFormat(options: ChooseFormatOptions): ChosenFormat {
  const chosen = chooseByKind(options)
  const { pooling = 'last' } = chosen.format
  if (options.pooling === undefined || options.pooling === pooling) return chosen
  throw new QvlError('USAGE', {
    what: `The pooling of this model cannot be changed to ${options.pooling}.`,
    why: `With its format, ${chosen.format.name}, it is ${pooling}.`,
    do: 'Leave the pooling type out.',
    param: '--pooler-config',
  })
}

function chooseByKind(options: ChooseFormatOptions): ChosenFormat {
  const { kind, reason } = chooseKind(options)
  if (kind === 'score') return { format: scoreFormat(options), reason, lateInteraction: false }
  checkModules(options.sentenceTransformers)
  if (options.config.family === 'bert') return chooseRecipe(options, reason)
  if (options.pooling === undefined) checkLastToken(options.sentenceTransformers)
  return { format: embedFormat(options), reason, lateInteraction: false }
}

function chooseRecipe(options: ChooseFormatOptions, reason: string): ChosenFormat {
  const { sentenceTransformers, pooling, tokenizer, defaultPrompt } = options
  refuseTemplate(options, noPairs)
  const recipe = sentenceRecipe(sentenceTransformers, pooling)
  return {
    format: encoderEmbedding({ tokenizer, recipe, defaultPrompt }),
    reason: `${reason}; ${recipe.words}`,
    lateInteraction: recipe.tokensOnly,
  }
}

/** What decides the kind; ids such as a hub's may tell it. */
type KindOptions = Pick<ChooseFormatOptions, 'id' | 'config' | 'sentenceTransformers' | 'tensorNames' | 'convert'> & {
  tokenizer: Pick<ChooseFormatOptions['tokenizer'], 'around' | 'encode'>
}

export interface Choice {
  kind: PromptFormat['kind']
  reason: string
}

/** The first rule that applies. A rule nearer to the user, or to the published files, comes first. */
export function chooseKind(options: KindOptions): Choice {
  const { id, convert } = options
  if (convert === 'embed') return { kind: 'embed', reason: '--convert embed' }
  if (convert === 'classify') return { kind: 'score', reason: '--convert classify' }
  const choice = kindByFiles(options) ?? byContent(options) ?? byName(id)
  if (choice !== undefined) return choice
  throw new QvlError('MODEL_UNSUPPORTED', {
    what: `Nothing in the checkpoint ${id} says whether it is an embedding model or a reranker.`,
    why: whyUndecided(options),
    do: 'Say which it is: --convert embed for an embedding model, --convert classify for a yes/no reranker.',
  })
}

/** What the configuration and the files of sentence-transformers settle without a tokenizer. */
export const kindByFiles = ({
  config,
  sentenceTransformers,
}: Pick<ChooseFormatOptions, 'config' | 'sentenceTransformers'>): Choice | undefined =>
  byConfig(config) ?? byModules(sentenceTransformers?.modules?.map(({ kind }) => kind) ?? [])

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

function byContent({ config, tensorNames, tokenizer }: KindOptions): Choice | undefined {
  if (config.family === 'bert') return { kind: 'embed', reason: 'it is an encoder without a head' }
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

function whyUndecided({ tokenizer }: KindOptions): string {
  const isSingle = (word: string) => tokenizer.encode(word).length === 1
  return isSingle('yes') && isSingle('no')
    ? 'It is a language model with the tokens "yes" and "no" but without sentence-transformers files, a score head or a telling name.'
    : 'It has no sentence-transformers files, no score head, no end token in its tokenizer and no telling name.'
}

const noPairs = 'A chat template joins a query and a document for a reranker, and this is an embedding model.'

function embedFormat(options: ChooseFormatOptions): PromptFormat {
  const { config, sentenceTransformers, tokenizer, warn } = options
  refuseTemplate(options, noPairs)
  if (config.family === 'qwen3-vl') return qwen3VlEmbedding(options)
  return qwen3Embedding({ tokenizer, warn, prompts: sentenceTransformers?.prompts?.prompts })
}

function scoreFormat(options: ChooseFormatOptions): PromptFormat {
  const { config, chatTemplate, tokenizer, warn } = options
  if (config.family === 'bert') {
    refuseTemplate(options, 'A cross-encoder reads the two texts as they are, between special tokens.')
    return crossEncoder({ tokenizer })
  }
  const isText = config.family === 'qwen3'
  if (chatTemplate === undefined) return isText ? qwen3Reranker(options) : qwen3VlReranker(options)
  const family = isText ? 'qwen3-reranker' : 'qwen3-vl-reranker'
  return scoreTemplate({ tokenizer, warn, chatTemplate, family })
}

function refuseTemplate({ id, chatTemplate }: ChooseFormatOptions, why: string): void {
  if (chatTemplate === undefined) return
  throw new QvlError('TEMPLATE_INVALID', {
    what: `The chat template ${chatTemplate.name} cannot be used with ${id}.`,
    why,
    do: 'Leave --chat-template out.',
    param: 'chat_template',
  })
}
