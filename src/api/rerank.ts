// POST /rerank, /v1/rerank and /v2/rerank: one query and its documents, best first.

import type { ScoreRequest, Scores } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import type { Content } from '../prompts/content.js'
import type { AnswerHead } from './answer.js'
import { parseContent, parseContents, renderPart } from './content.js'
import { Fields } from './fields.js'
import { wireFloat } from './floats.js'
import { parseRequestOptions, parseTopN, type RequestDefaults } from './request-options.js'

export interface RerankBody {
  request: ScoreRequest
  /** All of them when absent. */
  topN: number | undefined
  returnDocuments: boolean
}

/** One result of a ranking. */
export interface Ranked {
  /** Position among the documents of the request. */
  index: number
  score: number
}

/** Throws REQUEST_INVALID naming the field. */
export function parseRerank(body: unknown, path: string, defaults: RequestDefaults = {}): RerankBody {
  const fields = new Fields(body, path)
  return {
    request: { query: parseQuery(fields), documents: parseDocuments(fields), ...parseRequestOptions(fields, defaults) },
    topN: parseTopN(fields, defaults),
    // vLLM always echoes the documents. A client that says no is believed: an image comes back as megabytes.
    returnDocuments: fields.boolean('return_documents') ?? true,
  }
}

export function renderRerank(head: AnswerHead, body: RerankBody, { scores, usage }: Scores): object {
  const { documents } = body.request
  return {
    id: `score-${head.id}`,
    model: head.model,
    usage: { prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens },
    results: rank(scores, body.topN).map(({ index, score }) => ({
      index,
      ...(body.returnDocuments ? { document: renderDocument(documents[index]!) } : {}),
      relevance_score: wireFloat(score),
    })),
  }
}

/** Descending, equal scores in input order, then cut to `topN`. */
export function rank(scores: readonly number[], topN: number | undefined): Ranked[] {
  return scores
    .map((score, index) => ({ index, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, topN)
}

function parseQuery(fields: Fields): Content {
  const query = fields.get('query')
  if (query === undefined) throw fields.invalid('query', 'a string or a content object')
  return parseContent(query, fields.pathOf('query'))
}

function parseDocuments(fields: Fields): Content[] {
  if (fields.get('documents') === undefined) throw fields.invalid('documents', 'a list of strings or content objects')
  const documents = parseContents(fields.get('documents'), fields.pathOf('documents'))
  if (documents.length > 0) return documents
  throw new QvlError('REQUEST_INVALID', {
    what: 'At least one text_pair element must be given',
    param: fields.pathOf('documents'),
  })
}

function renderDocument(document: Content): object {
  if (typeof document === 'string') return { text: document, multi_modal: null }
  return { text: null, multi_modal: document.map(renderPart) }
}
