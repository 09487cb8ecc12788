// Requests to prompts, and pooled rows back to answers: what an embedding and a score are.

import { QvlError } from '../errors.js'
import type { Content } from '../prompts/content.js'
import type { EmbedFormat, Prompt, PromptLimits, ScoreFormat } from '../prompts/prompt.js'
import { plainText } from '../text/rich-text.js'
import { cosine, dot, embeddingVector, sigmoid } from './pooling.js'
import type { PooledRow } from './queue.js'
import type { Embedding, EmbedRequest, Explanation, ScoreRequest, Scores, Task, Usage } from './requests.js'

/** A task as the engine sees it: the sequences to compute, and what their rows mean. */
export interface PreparedTask<Result> extends Task<Result> {
  readonly prompts: readonly Prompt[]
  finish(rows: readonly PooledRow[]): Result
}

/** What tasks need to know of the model. */
export interface TaskContext {
  maxModelLen: number
  /** Rows of the embedding table; a tokenizer may know ids beyond them. */
  vocabSize: number
  hidden: number
  /** Widths a Matryoshka model was trained for; any width when absent. */
  dimensions?: readonly number[] | undefined
  /** The two head rows of a yes/no reranker, for explanations. */
  yesNo?: { yes: Float32Array; no: Float32Array } | undefined
}

export function embedTask(format: EmbedFormat, context: TaskContext, request: EmbedRequest): PreparedTask<Embedding> {
  checkDimensions(context, request.dimensions)
  const { content, instruction } = request
  const prompt = format.embed({ content, instruction }, promptLimits(context, request.truncatePromptTokens))
  return prepared(context, [prompt], (rows) => ({
    vector: embeddingVector(rows[0]!.hidden, request.dimensions, request.useActivation ?? true),
    usage: usage([prompt], rows),
    get explanation() {
      return explain(prompt)
    },
  }))
}

/** Pairs through a reranker, one score for each document. */
export function scoreTask(format: ScoreFormat, context: TaskContext, request: ScoreRequest): PreparedTask<Scores> {
  const limits = promptLimits(context, request.truncatePromptTokens)
  const { query, instruction } = request
  const prompts = eachDocument(request, (document) => format.pair({ query, document, instruction }, limits))
  return prepared(context, prompts, (rows) => ({
    scores: rows.map(({ logits }) => (request.useActivation === false ? logits[0]! : sigmoid(logits[0]!))),
    usage: usage(prompts, rows),
    get explanations() {
      return prompts.map((prompt, index) => ({ ...explain(prompt), ...explainLogits(rows[index]!, context) }))
    },
  }))
}

/** An embedding model scores by the cosine of query and document, each in the form its model card gives. */
export function cosineTask(format: EmbedFormat, context: TaskContext, request: ScoreRequest): PreparedTask<Scores> {
  const limits = promptLimits(context, request.truncatePromptTokens)
  const query = format.embed({ content: request.query, instruction: request.instruction, role: 'query' }, limits)
  const documents = eachDocument(request, (content) => format.embed({ content, role: 'document' }, limits))
  const prompts = [query, ...documents]
  return prepared(context, prompts, ([queryRow, ...rows]) => ({
    scores: rows.map(({ hidden }) => cosine(queryRow!.hidden, hidden)),
    usage: usage(prompts, [queryRow!, ...rows]),
    get explanations() {
      return documents.map(explain)
    },
  }))
}

function prepared<Result>(
  { vocabSize }: TaskContext,
  prompts: readonly Prompt[],
  finish: (rows: readonly PooledRow[]) => Result,
): PreparedTask<Result> {
  for (const { ids } of prompts) {
    const outside = ids.find((id) => id >= vocabSize)
    if (outside !== undefined) throw outOfVocabulary(outside, vocabSize)
  }
  const promptTokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0)
  return { prompts, promptTokens, finish }
}

const outOfVocabulary = (id: number, vocabSize: number): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `Token id ${id} is out of vocabulary.`,
    why: `The tokenizer knows this token, but the embedding table of the model ends at id ${vocabSize - 1}.`,
    do: 'Leave the special token out of the text, or use --special-tokens-in-text literal.',
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

function promptLimits({ maxModelLen }: TaskContext, truncatePromptTokens: number | undefined): PromptLimits {
  if (truncatePromptTokens === undefined) return { maxTokens: maxModelLen, overflow: 'error' }
  if (truncatePromptTokens > maxModelLen) {
    throw new QvlError('REQUEST_INVALID', {
      what: `truncate_prompt_tokens value is greater than max_model_len. Please request a smaller truncation size.`,
      why: `${truncatePromptTokens} was asked for and the limit is ${maxModelLen}.`,
      do: 'Use -1 to cut at the limit, or raise --max-model-len.',
      param: 'truncate_prompt_tokens',
    })
  }
  const maxTokens = truncatePromptTokens === -1 ? maxModelLen : truncatePromptTokens
  return { maxTokens, overflow: 'truncate' }
}

function checkDimensions(context: TaskContext, dimensions: number | undefined): void {
  if (dimensions === undefined) return
  const listed = context.dimensions?.includes(dimensions) ?? true
  if (listed && dimensions >= 1 && dimensions <= context.hidden) return
  const allowed = context.dimensions?.join(', ') ?? `1 to ${context.hidden}`
  throw new QvlError('REQUEST_INVALID', {
    what: `dimensions is ${dimensions}.`,
    why: `This model gives vectors of these widths: ${allowed}.`,
    do: 'Ask for one of them, or leave dimensions out.',
    param: 'dimensions',
  })
}

function usage(prompts: readonly Prompt[], rows: readonly PooledRow[]): Usage {
  return {
    promptTokens: prompts.reduce((sum, { ids }) => sum + ids.length, 0),
    cachedTokens: rows.reduce((sum, { sharedTokens }) => sum + sharedTokens, 0),
  }
}

const explain = ({ text, ids }: Prompt): Explanation => ({ prompt: plainText(text), ids: [...ids] })

function explainLogits({ hidden, logits }: PooledRow, { yesNo }: TaskContext): Partial<Explanation> {
  const logit = logits[0]!
  return yesNo === undefined ? { logit } : { logit, logitYes: dot(hidden, yesNo.yes), logitNo: dot(hidden, yesNo.no) }
}
