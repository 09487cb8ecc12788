// Requests to tasks: which prompts a request comes to, and what their rows will mean.

import { QvlError } from '../errors.js'
import { type Content, textsOf } from '../prompts/content.js'
import type { EmbedFormat, Prompt, PromptFormat, PromptLimits, ScoreFormat } from '../prompts/prompt.js'
import { idsPrompt, outOfVocabulary, rawPrompt } from '../prompts/raw.js'
import { plainText } from '../text/rich-text.js'
import type { Tokenizer } from '../text/tokenizer.js'
import { checkDimensions, maxSideTokens, promptLimits, type VectorWidths } from './prompt-limits.js'
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
  /** Rows of the embedding table; a tokenizer may know ids beyond them. */
  vocabSize: number
  /** What embedding requests mean that do not say. */
  promptFormat: 'official' | 'raw'
}

export function embedTask(
  format: EmbedFormat,
  context: TaskContext,
  request: EmbedRequest,
  options: PrepareOptions,
): EmbedTask {
  const { dimensions, useActivation = true } = request
  checkDimensions(dimensions, context)
  const prompt = embedPrompt(format, context, request)
  return { kind: 'embed', ...prepared(context, [prompt], 'last', options), dimensions, useActivation }
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
  const prompts = format.kind === 'score' ? pairs(format, context, request) : sides(format, context, request)
  const kind = format.kind === 'score' ? 'score' : 'cosine'
  return { kind, ...prepared(context, prompts, 'last', options), useActivation: request.useActivation ?? true }
}

export function classifyTask(context: TaskContext, request: ClassifyRequest): ClassifyTask {
  const { content, useActivation = true } = request
  const limits = promptLimits(context.maxModelLen, request)
  const prompt =
    typeof content === 'string'
      ? raw(context, content, request, limits)
      : idsPrompt(content.tokens, { ...context, limits })
  return { kind: 'classify', ...prepared(context, [prompt], 'last', {}), useActivation }
}

function embedPrompt(format: EmbedFormat, context: TaskContext, request: EmbedRequest): Prompt {
  const { content, instruction } = request
  const limits = promptLimits(context.maxModelLen, request)
  if (isTokenIds(content)) return idsPrompt(content.tokens, { ...context, limits })
  if ((request.promptFormat ?? context.promptFormat) === 'official')
    return format.embed({ content, instruction, role: request.role }, limits)
  if (instruction !== undefined) throw noInstruction()
  const texts = textsOf(content, { why: 'A raw prompt is text.' })
  return raw(context, texts.join('\n'), request, limits)
}

const raw = (
  { tokenizer }: TaskContext,
  text: string,
  { addSpecialTokens = true }: { addSpecialTokens?: boolean | undefined },
  limits: PromptLimits,
): Prompt => rawPrompt(text, { tokenizer, limits, addSpecialTokens })

function pairs(format: ScoreFormat, { maxModelLen }: TaskContext, request: ScoreRequest): Prompt[] {
  const { query, instruction } = request
  const limits = promptLimits(maxModelLen, request)
  const maxTokens = sideTokens(request, maxModelLen)
  return eachDocument(request, (document) => format.pair({ query, document, instruction, ...maxTokens }, limits))
}

/** Query and documents, each in the form that the model card gives. */
function sides(format: EmbedFormat, { maxModelLen }: TaskContext, request: ScoreRequest): Prompt[] {
  const limits = promptLimits(maxModelLen, request)
  const { maxTokensPerQuery, maxTokensPerDoc } = sideTokens(request, maxModelLen)
  const { query, instruction } = request
  return [
    format.embed({ content: query, instruction, role: 'query', maxTokens: maxTokensPerQuery }, limits),
    ...eachDocument(request, (content) =>
      format.embed({ content, role: 'document', maxTokens: maxTokensPerDoc }, limits),
    ),
  ]
}

const sideTokens = ({ maxTokensPerQuery, maxTokensPerDoc }: ScoreRequest, maxModelLen: number) => ({
  maxTokensPerQuery: maxSideTokens('max_tokens_per_query', maxTokensPerQuery, maxModelLen),
  maxTokensPerDoc: maxSideTokens('max_tokens_per_doc', maxTokensPerDoc, maxModelLen),
})

/** Errors of one document name it. */
function eachDocument(request: ScoreRequest, prompt: (document: Content) => Prompt): Prompt[] {
  return request.documents.map((document, index) => {
    try {
      return prompt(document)
    } catch (error) {
      if (error instanceof QvlError && error.details.param === undefined) {
        throw new QvlError(error.code, { ...error.details, param: `documents[${index}]` })
      }
      throw error
    }
  })
}

function prepared(
  { vocabSize }: TaskContext,
  prompts: readonly Prompt[],
  pool: Sequence['pool'],
  { texts = false }: PrepareOptions,
): Pick<Task, 'sequences' | 'promptTokens' | 'texts'> {
  const sequences = prompts.map(({ ids, prefixTokens }) => ({ ids, prefixTokens, pool }))
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

const noInstruction = (): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: 'A raw prompt came with an instruction.',
    why: 'A raw prompt is used as it is, so there is no place for one.',
    do: 'Write it into the text, or use the official prompt format.',
    param: 'instruction',
  })
