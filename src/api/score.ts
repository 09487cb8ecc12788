// POST /score and /v1/score: pairs in, one number each in input order.

import type { ScoreRequest, Scores } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import type { Content } from '../prompts/content.js'
import { type AnswerHead, addUsage, renderUsage } from './answer.js'
import { parseContents } from './content.js'
import { Fields } from './fields.js'
import { wireFloat } from './floats.js'
import { parseRequestOptions, type RequestDefaults } from './request-options.js'

/** The names of the two sides; the first pair of which one is present counts. */
const sides = [
  ['queries', 'documents'],
  ['queries', 'items'],
  ['data_1', 'data_2'],
  ['text_1', 'text_2'],
] as const

/** 1:1 and 1:N are one request, N:N is one for each pair. Throws REQUEST_INVALID naming the field. */
export function parseScore(body: unknown, path: string, defaults: RequestDefaults = {}): ScoreRequest[] {
  const fields = new Fields(body, path)
  const options = parseRequestOptions(fields, defaults)
  const { queries, documents } = parseSides(fields)
  const [query] = queries
  if (query !== undefined && queries.length === 1) return [{ query, documents, ...options }]
  return queries.map((each, index) => ({ query: each, documents: documents.slice(index, index + 1), ...options }))
}

export function renderScores(head: AnswerHead, scores: readonly Scores[]): object {
  return {
    id: `score-${head.id}`,
    object: 'list',
    created: head.created,
    model: head.model,
    data: scores
      .flatMap((each) => each.scores)
      .map((score, index) => ({ index, object: 'score', score: wireFloat(score) })),
    usage: renderUsage(addUsage(scores.map(({ usage }) => usage))),
  }
}

function parseSides(fields: Fields): { queries: Content[]; documents: Content[] } {
  const present = (key: string): boolean => fields.get(key) !== undefined
  const names =
    sides.find((pair) => pair.every(present)) ??
    sides.find(([left, right]) => present(left) || present(right)) ??
    sides[0]
  const [queries, documents] = names.map((key) => {
    if (!present(key)) throw fields.invalid(key, 'a string, a content object, or a list of them')
    return parseContents(fields.get(key), fields.pathOf(key))
  })
  // vLLM's texts, because clients look for them.
  if (queries!.length === 0) throw refusal(fields.pathOf(names[0]), 'At least one text element must be given')
  if (documents!.length === 0) throw refusal(fields.pathOf(names[1]), 'At least one text_pair element must be given')
  if (queries!.length !== 1 && queries!.length !== documents!.length) {
    throw refusal(fields.pathOf(names[1]), 'Input lengths must be either 1:1, 1:N or N:N')
  }
  return { queries: queries!, documents: documents! }
}

const refusal = (param: string, what: string): QvlError => new QvlError('REQUEST_INVALID', { what, param })
