// POST /pooling: what the model's pooler gives, as it is: a vector, a row for each token, or scores.

import type { Classification, ClassifyRequest, Embedding, EmbedRequest, TokenEmbedding } from '../engine/requests.js'
import { type AnswerHead, renderList } from './answer.js'
import { parseClassifyRequests } from './classify.js'
import { Fields, refusal } from './fields.js'
import { checkVector, type VectorFormat, vectorText } from './floats.js'
import { type JsonPieces, listed } from './json-pieces.js'
import { parseEmbeddingOptions, parseEmbedRequests } from './openai-embeddings.js'
import { refuseRemoved } from './request-options.js'
import type { RequestSettings } from './request-settings.js'
import { type BytesFormat, renderVectorBytes, type VectorBytes, type VectorResult } from './vector-bytes.js'
import { parseEncoding } from './vector-format.js'

export type PoolingBody = { encodingFormat: VectorFormat } & (
  | { task: 'embed' | 'token_embed'; requests: readonly EmbedRequest[] }
  | { task: 'classify'; requests: readonly ClassifyRequest[] }
)

/** The result of any of the tasks. */
export type Pooled = Embedding | TokenEmbedding | Classification

/** vLLM's names. */
const tasks = ['embed', 'classify', 'token_embed', 'token_classify', 'plugin', 'score', 'encode'] as const

const tasksOf = { embed: ['embed', 'token_embed'], score: ['classify'] } as const

/** Names of older vLLM, and what took their place. */
const replaced = { score: 'classify', encode: 'token_embed' } as const

/** Throws REQUEST_SCHEMA, REQUEST_INVALID, REQUEST_TOO_LARGE, and what rendering a chat throws. */
export function parsePooling(body: unknown, path: string, settings: RequestSettings = {}): PoolingBody {
  const fields = new Fields(body, path)
  if (fields.has('dimensions')) throw refusal(fields.pathOf('dimensions'), 'dimensions is currently not supported')
  refuseRemoved(fields)
  const task = parseTask(fields, settings)
  const encodingFormat = parseEncoding(fields, settings)
  if (task === 'classify') return { encodingFormat, task, requests: parseClassifyRequests(fields, settings) }
  // A default width is for embeddings: here vLLM gives the whole vector.
  const options = { ...parseEmbeddingOptions(fields, settings), dimensions: undefined }
  return { encodingFormat, task, requests: parseEmbedRequests(fields, options, settings) }
}

/** JSON formats only. Throws RESULT_NOT_FINITE. */
export function renderPooling(head: AnswerHead, format: VectorFormat, results: readonly Pooled[]): JsonPieces {
  const pooled = results.map(vectorResult)
  for (const { data } of pooled) checkVector(data, format)
  const data = () =>
    listed(pooled, function* (result, index) {
      yield `{"index":${index},"object":"pooling","data":`
      yield* dataText(result, format)
      yield '}'
    })
  return renderList('pooling', head, data, pooled)
}

/** The same in the `bytes` formats. Throws RESULT_NOT_FINITE. */
export const renderPoolingBytes = (head: AnswerHead, format: BytesFormat, results: readonly Pooled[]): VectorBytes =>
  renderVectorBytes('pooling', head, format, results.map(vectorResult))

function parseTask(fields: Fields, { model }: RequestSettings): 'embed' | 'token_embed' | 'classify' {
  const supported = tasksOf[model?.kind ?? 'embed']
  const asked = fields.oneOf('task', tasks)
  if (asked === undefined) return supported[0]
  const task = supported.find((each) => each === asked)
  if (task !== undefined) return task
  const param = fields.pathOf('task')
  if (asked === 'score' || asked === 'encode') {
    throw refusal(param, `The task '${asked}' was removed; use '${replaced[asked]}' instead.`)
  }
  // As Python prints a tuple.
  const names = supported.map((each) => `'${each}'`).join(', ') + (supported.length === 1 ? ',' : '')
  throw refusal(param, `Unsupported task: '${asked}' Supported tasks: (${names})`)
}

function vectorResult(result: Pooled): VectorResult {
  const { usage } = result
  if ('vector' in result) return { data: result.vector, shape: [result.vector.length], usage }
  if ('probs' in result) return { data: result.probs, shape: [result.probs.length], usage }
  return { data: result.data, shape: [result.rows, result.width], usage }
}

/** A matrix as lists is a list of rows; as base64 it is one string. */
function* dataText({ data, shape }: VectorResult, format: VectorFormat): Generator<string, void, undefined> {
  const [rows = 0, width] = shape
  if (width === undefined || format.encoding !== 'float') {
    yield* vectorText(data, format)
    return
  }
  const starts = Array.from({ length: rows }, (_, row) => row * width)
  yield '['
  yield* listed(starts, (start) => vectorText(data.subarray(start, start + width), format))
  yield ']'
}
