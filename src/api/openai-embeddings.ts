// POST /v1/embeddings: OpenAI's request with vLLM's additions, and its answer.

import type { Embedding, EmbedRequest } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import { type AnswerHead, addUsage, renderUsage } from './answer.js'
import { parseContent } from './content.js'
import { Fields, invalidField, isList } from './fields.js'
import { type EncodingFormat, renderVector } from './floats.js'
import { parseRequestOptions, type RequestDefaults, type RequestOptions } from './request-options.js'

export interface EmbeddingsBody {
  /** One for each vector of the answer. */
  requests: readonly EmbedRequest[]
  encodingFormat: EncodingFormat
}

/** What an embedding request says besides its input. */
export interface EmbeddingOptions extends RequestOptions {
  dimensions: number | undefined
}

/** Throws REQUEST_INVALID naming the field. */
export function parseEmbeddings(body: unknown, path: string, defaults: RequestDefaults = {}): EmbeddingsBody {
  const fields = new Fields(body, path)
  const options = parseEmbeddingOptions(fields, defaults)
  const requests = parseInput(fields).map((content) => ({ content, ...options }))
  return { requests, encodingFormat: parseEncoding(fields, defaults) }
}

export function parseEmbeddingOptions(fields: Fields, defaults: RequestDefaults): EmbeddingOptions {
  refuseRemoved(fields)
  const dimensions = fields.integer('dimensions', 1) ?? defaults.dimensions
  return { dimensions, ...parseRequestOptions(fields, defaults) }
}

/** vLLM's `bytes` forms are not JSON and exist only in an HTTP answer. */
export function parseEncoding(fields: Fields, defaults: RequestDefaults): EncodingFormat {
  const format = fields.oneOf('encoding_format', ['float', 'base64', 'bytes', 'bytes_only'])
  if (format === 'bytes' || format === 'bytes_only') throw fields.invalid('encoding_format', '"float" or "base64"')
  refuseUnless(fields, 'embed_dtype', 'float32')
  if (fields.get('endianness') !== 'native') refuseUnless(fields, 'endianness', 'little')
  return format ?? defaults.encodingFormat ?? 'float'
}

export function renderEmbeddings(head: AnswerHead, encoding: EncodingFormat, embeddings: readonly Embedding[]): object {
  return {
    id: `embd-${head.id}`,
    object: 'list',
    created: head.created,
    model: head.model,
    data: embeddings.map(({ vector }, index) => ({
      index,
      object: 'embedding',
      embedding: renderVector(vector, encoding),
    })),
    usage: renderUsage(addUsage(embeddings.map(({ usage }) => usage))),
  }
}

function refuseUnless(fields: Fields, key: string, only: string): void {
  const value = fields.get(key)
  if (value !== undefined && value !== only) throw fields.invalid(key, `"${only}", or leave it out`)
}

function parseInput(fields: Fields): EmbedRequest['content'][] {
  const path = fields.pathOf('input')
  const input = fields.get('input')
  const allowed = 'a string, or a list of strings and content objects'
  if (fields.get('messages') !== undefined && input === undefined) throw fields.invalid('messages', '`input` instead')
  if (input === undefined) throw invalidField(path, input, allowed)
  if (!isList(input)) return [parseContent(input, path)]
  if (input.length === 0) throw invalidField(path, input, allowed)
  const tokens = input.findIndex((item) => typeof item === 'number' || (isList(item) && typeof item[0] === 'number'))
  if (tokens >= 0) throw tokenIds(path)
  return input.map((item, index) => parseContent(item, `${path}[${index}]`))
}

function tokenIds(path: string): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: `\`${path}\` holds token ids.`,
    why: 'The prompt format can only be put around text.',
    do: 'Send the text.',
    param: path,
  })
}

/** vLLM's own text, because clients look for it. */
function refuseRemoved(fields: Fields): void {
  if (fields.get('normalize') === undefined) return
  throw new QvlError('REQUEST_INVALID', {
    what: 'Parameter `normalize` was removed; use `use_activation` instead. (parameter=normalize)',
    param: fields.pathOf('normalize'),
  })
}
