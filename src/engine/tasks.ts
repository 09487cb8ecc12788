// Requests to tasks: which prompts a request comes to, and what their rows will mean.

import { QvlError } from '../errors.js'
import { type Content, textsOf } from '../prompts/content.js'
import type { EmbedFormat, EmbedItem, Prompt, PromptFormat, PromptLimits, ScoreFormat } from '../prompts/prompt.js'
import { idsPrompt, outOfVocabulary, rawPrompt } from '../prompts/raw.js'
import { mediaParts } from '../prompts/visuals.js'
import { plainText } from '../text/rich-text.js'
import type { Tokenizer } from '../text/tokenizer.js'
import { naming } from './named-error.js'
import { checkDimensions, maxSideTokens, promptLimits, type VectorWidths } from './prompt-limits.js'
import { documentParam, queryParam } from './request-contents.js'
import type {
  ClassifyRequest,
  ClassifyTask,
  EmbedRequest,
  EmbedTask,
  PrepareOptions,
  ScoreRequest,
  ScoreTask,
  Sequence,
  Task,
  TokenEmbedTask,
  TokenIds,
} from './requests.js'

/** What tasks need to know of the model. */
export interface TaskContext extends VectorWidths {
  tokenizer: Tokenizer
  maxModelLen: number
  /** The class in config.json. */
  architecture: string
  /** Whether the model reads images and videos. */
  readsMedia: boolean
  /** Rows of the embedding table; a tokenizer may know ids beyond them. */
  vocabSize: number
  /** What embedding requests mean that do not say. */
  promptFormat: 'official' | 'raw'
  defaultRole: EmbedRequest['role']
  /** Pairs are scored by the vectors of their tokens. */
  lateInteraction: boolean
}

export function embedTask(
  format: EmbedFormat,
  context: TaskContext,
  request: EmbedRequest,
  options: PrepareOptions,
): EmbedTask {
  const { dimensions, useActivation = format.normalizes ?? true } = request
  checkDimensions(dimensions, context)
  const prompt = embedPrompt(format, context, request)
  return { kind: 'embed', ...prepared(context, [prompt], poolOf(format), options), dimensions, useActivation }
}

/** Every token of the text gets a vector. */
export function tokenEmbedTask(format: EmbedFormat, context: TaskContext, request: EmbedRequest): TokenEmbedTask {
  const { dimensions, useActivation = true } = request
  if (dimensions !== undefined) throw noDimensions()
  const prompt = embedPrompt(format, context, request)
  return { kind: 'tokenEmbed', ...prepared(context, [prompt], 'all', {}), useActivation }
}

/** Pairs through a reranker, one sequence for each document; or the query and the documents of an embedding model. */
export function scoreTask(
  format: PromptFormat,
  context: TaskContext,
  request: ScoreRequest,
  options: PrepareOptions,
): ScoreTask {
  const { useActivation = true } = request
  if (format.kind === 'score') {
    const prompts = pairs(format, context, request, options)
    return { kind: 'score', ...prepared(context, prompts, poolOf(format), options), useActivation }
  }
  const [kind, pool] = context.lateInteraction ? (['maxsim', 'all'] as const) : (['cosine', poolOf(format)] as const)
  return { kind, ...prepared(context, sides(format, context, request, options), pool, options), useActivation }
}

export function classifyTask(format: PromptFormat, context: TaskContext, request: ClassifyRequest): ClassifyTask {
  const { content, useActivation = true, visuals } = request
  const limits = promptLimits(context.maxModelLen, request)
  const prompt = naming(request.param, () => {
    if (typeof content === 'string') return raw(context, content, request, limits)
    checkMedia(content.media ?? [], context)
    return idsPrompt(content, { ...context, limits, visuals })
  })
  return { kind: 'classify', ...prepared(context, [prompt], poolOf(format), {}), useActivation }
}

/** A mean is made of all rows. */
function poolOf({ pooling = 'last' }: PromptFormat): Sequence['pool'] {
  return pooling === 'mean' ? 'all' : pooling
}

/** Errors of the input name it. */
const embedPrompt = (format: EmbedFormat, context: TaskContext, request: EmbedRequest): Prompt =>
  naming(request.param, () => inputPrompt(format, context, request))

function inputPrompt(format: EmbedFormat, context: TaskContext, request: EmbedRequest): Prompt {
  const { content, instruction, promptName, role = context.defaultRole, visuals } = request
  const limits = promptLimits(context.maxModelLen, request)
  if (isTokenIds(content)) {
    checkMedia(content.media ?? [], context)
    return idsPrompt(content, { ...context, limits, visuals })
  }
  checkMedia(content, context)
  if ((request.promptFormat ?? context.promptFormat) === 'official')
    return format.embed({ content, instruction, promptName, role, visuals }, limits)
  if (instruction !== undefined) throw noPlace('instruction')
  if (promptName !== undefined) throw noPlace('prompt_name')
  const texts = textsOf(content, { why: 'A raw prompt is text.' })
  return raw(context, texts.join('\n'), request, limits)
}

const raw = (
  { tokenizer }: TaskContext,
  text: string,
  { addSpecialTokens = true }: { addSpecialTokens?: boolean | undefined },
  limits: PromptLimits,
): Prompt => rawPrompt(text, { tokenizer, limits, addSpecialTokens })

function pairs(format: ScoreFormat, context: TaskContext, request: ScoreRequest, options: PrepareOptions): Prompt[] {
  const { query, instruction, visuals } = request
  const limits = promptLimits(context.maxModelLen, request)
  const common = { query, instruction, visuals, ...sideTokens(request, context.maxModelLen) }
  checkMedia(query, context, queryParam(request))
  return eachDocument(request, options, (document) => {
    checkMedia(document, context)
    return format.pair({ document, ...common }, limits)
  })
}

/** Query and documents, each in the form that the model card gives. */
function sides(format: EmbedFormat, context: TaskContext, request: ScoreRequest, options: PrepareOptions): Prompt[] {
  const limits = promptLimits(context.maxModelLen, request)
  const { maxTokensPerQuery, maxTokensPerDoc } = sideTokens(request, context.maxModelLen)
  const { query, instruction, visuals } = request
  const embed = (item: EmbedItem): Prompt => {
    checkMedia(item.content, context)
    return format.embed({ visuals, ...item }, limits)
  }
  return [
    naming(queryParam(request), () =>
      embed({ content: query, instruction, role: 'query', maxTokens: maxTokensPerQuery }),
    ),
    ...eachDocument(request, options, (content) => embed({ content, role: 'document', maxTokens: maxTokensPerDoc })),
  ]
}

/** vLLM's text, which clients look for. */
function checkMedia(content: Content, { readsMedia, architecture }: TaskContext, param?: string): void {
  if (readsMedia || mediaParts(content).length === 0) return
  throw new QvlError('MEDIA_UNSUPPORTED', {
    what: `MultiModalParam is not supported for ${architecture}.`,
    why: 'This model reads text only.',
    do: 'Send text, or use a model that reads images.',
    ...(param !== undefined && { param }),
  })
}

const sideTokens = ({ maxTokensPerQuery, maxTokensPerDoc }: ScoreRequest, maxModelLen: number) => ({
  maxTokensPerQuery: maxSideTokens('max_tokens_per_query', maxTokensPerQuery, maxModelLen),
  maxTokensPerDoc: maxSideTokens('max_tokens_per_doc', maxTokensPerDoc, maxModelLen),
})

/** Errors of one document name it, unless they are the query's. */
function eachDocument(
  request: ScoreRequest,
  { onPrompt }: PrepareOptions,
  make: (document: Content) => Prompt,
): Prompt[] {
  return request.documents.map((document, index) => {
    const prompt = naming(documentParam(request, index), () => make(document))
    onPrompt?.(prompt.ids.length)
    return prompt
  })
}

function prepared(
  { vocabSize }: TaskContext,
  prompts: readonly Prompt[],
  pool: Sequence['pool'],
  { texts = false }: PrepareOptions,
): Pick<Task, 'sequences' | 'promptTokens' | 'texts'> {
  const sequences = prompts.map(({ ids, prefixTokens, secondFrom, visuals }) => ({
    ids,
    prefixTokens,
    pool,
    ...(secondFrom !== undefined && { secondFrom }),
    ...(visuals !== undefined && { visuals }),
  }))
  for (const { ids } of sequences) {
    const outside = ids.find((id) => id >= vocabSize)
    if (outside !== undefined) throw outOfVocabulary(outside, vocabSize)
  }
  const promptTokens = sequences.reduce((sum, { ids }) => sum + ids.length, 0)
  return { sequences, promptTokens, ...(texts && { texts: prompts.map(({ text }) => plainText(text)) }) }
}

const isTokenIds = (content: Content | TokenIds): content is TokenIds =>
  typeof content === 'object' && 'tokens' in content

const noDimensions = (): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: 'dimensions is currently not supported for the vectors of tokens.',
    why: 'Models are trained to have their pooled vector shortened.',
    do: 'Leave dimensions out.',
    param: 'dimensions',
  })

const noPlace = (param: 'instruction' | 'prompt_name'): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `A raw prompt came with ${param === 'instruction' ? 'an instruction' : 'the name of a prompt'}.`,
    why: 'A raw prompt is used as it is, so there is no place for one.',
    do: 'Write it into the text, or use the official prompt format.',
    param,
  })
