// POST /score and /v1/score: pairs in, one number each in input order.

import type { ScoreRequest, Scores } from '../engine/requests.js'
import type { Content } from '../prompts/content.js'
import { type AnswerHead, renderList } from './answer.js'
import { Fields, refusal } from './fields.js'
import { checkFiniteScores } from './finite.js'
import { wireFloat } from './floats.js'
import { type JsonPieces, listed } from './json-pieces.js'
import type { RequestSettings } from './request-settings.js'
import { itemPaths, parseScoreOptions, parseSide } from './score-options.js'

/** The names of the two sides; the first pair of which one is present counts. */
const sides = [
  ['queries', 'documents'],
  ['queries', 'items'],
  ['data_1', 'data_2'],
  ['text_1', 'text_2'],
] as const

/** 1:1 and 1:N are one request, N:N is one for each pair. Throws REQUEST_* naming the field. */
export function parseScore(body: unknown, path: string, settings: RequestSettings = {}): ScoreRequest[] {
  const fields = new Fields(body, path)
  const options = parseScoreOptions(fields, settings)
  const { queries, documents } = parseSides(fields, settings)
  const [query] = queries.items
  if (query !== undefined && queries.items.length === 1) {
    const params = { query: queries.paths[0]!, documents: documents.paths }
    return [{ query, documents: documents.items, params, ...options }]
  }
  return queries.items.map((each, index) => ({
    query: each,
    documents: documents.items.slice(index, index + 1),
    params: { query: queries.paths[index]!, documents: documents.paths.slice(index, index + 1) },
    ...options,
  }))
}

/** Throws RESULT_NOT_FINITE. */
export function renderScores(head: AnswerHead, results: readonly Scores[]): JsonPieces {
  checkFiniteScores(results)
  const scores = results.flatMap((each) => each.scores)
  const data = () =>
    listed(scores, function* (score, index) {
      yield `{"index":${index},"object":"score","score":${wireFloat(score)}}`
    })
  return renderList('score', head, data, results)
}

interface Side {
  items: Content[]
  /** Where each stands in the request. */
  paths: string[]
}

function parseSides(fields: Fields, settings: RequestSettings): { queries: Side; documents: Side } {
  const names =
    sides.find((pair) => pair.every((key) => fields.has(key))) ??
    sides.find((pair) => pair.some((key) => fields.has(key))) ??
    sides[0]
  const queries = parseSide(fields, names[0], settings)
  const documents = parseSide(fields, names[1], settings)
  // vLLM's texts, because clients look for them.
  if (queries.length === 0) throw refusal(fields.pathOf(names[0]), 'At least one text element must be given')
  if (documents.length === 0) throw refusal(fields.pathOf(names[1]), 'At least one text_pair element must be given')
  if (queries.length !== 1 && queries.length !== documents.length) {
    throw refusal(fields.pathOf(names[1]), 'Input lengths must be either 1:1, 1:N or N:N')
  }
  const side = (items: Content[], name: string): Side => ({ items, paths: itemPaths(fields, name) })
  return { queries: side(queries, names[0]), documents: side(documents, names[1]) }
}
