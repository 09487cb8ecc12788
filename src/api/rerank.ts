// POST /rerank, /v1/rerank and /v2/rerank: one query and its documents, best first, as vLLM, SGLang and TEI do it.

import type { ScoreRequest, Scores } from '../engine/requests.js'
import type { Content } from '../prompts/content.js'
import type { AnswerHead } from './answer.js'
import { type Echo, echoDocument, echoPieces, echoPlain } from './echo.js'
import { Fields, isList, isObject, refusal } from './fields.js'
import { checkFiniteScores } from './finite.js'
import { wireFloat } from './floats.js'
import { JsonPieces, listed } from './json-pieces.js'
import type { RequestSettings } from './request-settings.js'
import { itemPaths, parseQuery, parseScoreOptions, parseSide } from './score-options.js'
import { isTeiRerank, parseTeiRerank } from './tei-rerank.js'

/** What the answer depends on besides the scores. */
export interface RerankShape {
  style: 'vllm' | 'sglang' | 'tei'
  /** All of them when absent. */
  topN: number | undefined
  /** The documents as JSON text, where they are sent back. */
  echo: Echo | undefined
}

export interface RerankBody extends RerankShape {
  request: ScoreRequest
}

/** One result of a ranking. */
export interface Ranked {
  /** Position among the documents of the request. */
  index: number
  score: number
}

/** Throws REQUEST_SCHEMA, REQUEST_INVALID and REQUEST_TOO_LARGE naming the field. */
export function parseRerank(body: unknown, path: string, settings: RequestSettings = {}): RerankBody {
  const fields = new Fields(body, path)
  if (isTeiRerank(fields)) return parseTeiRerank(fields, settings)
  const style = settings.style ?? 'vllm'
  const query = parseQuery(fields, settings)
  const documents = parseDocuments(fields, settings)
  if (style === 'sglang') refuseEmpty(fields, query, documents)
  // vLLM always echoes the documents. A client that says no is believed: an image comes back as megabytes.
  const returnDocuments = fields.boolean('return_documents') ?? true
  return {
    request: {
      query,
      documents,
      params: { query: fields.pathOf('query'), documents: itemPaths(fields, 'documents') },
      ...parseScoreOptions(fields, settings),
    },
    style,
    topN: parseTopN(fields, settings, style === 'sglang' ? 1 : 0),
    echo: returnDocuments ? documents.map(style === 'sglang' ? echoPlain : echoDocument) : undefined,
  }
}

/** Throws RESULT_NOT_FINITE. */
export function renderRerank(head: AnswerHead, shape: RerankShape, { scores, usage }: Scores): JsonPieces {
  checkFiniteScores([{ scores }])
  const ranked = rank(scores, shape.topN)
  if (shape.style !== 'vllm') return renderArray(ranked, { style: shape.style, echo: shape.echo })
  const tokens = { prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens }
  const start = JSON.stringify({ id: `score-${head.id}`, model: head.model, usage: tokens })
  return new JsonPieces(function* () {
    yield `${start.slice(0, -1)},"results":[`
    yield* listed(ranked, function* ({ index, score }) {
      yield `{"index":${index},`
      yield* echoField('document', shape.echo, index)
      yield `"relevance_score":${wireFloat(score)}}`
    })
    yield `],"meta":${cohereMeta}}`
  })
}

/** Descending, equal scores in input order, then cut to `topN`. */
export function rank(scores: readonly number[], topN: number | undefined): Ranked[] {
  return scores
    .map((score, index) => ({ index, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, topN)
}

/** What Cohere's clients look for; vLLM has none. A request counts as one search. */
const cohereMeta = '{"api_version":{"version":"2"},"billed_units":{"search_units":1}}'

/** SGLang and TEI answer with a bare list, each in its own key order. */
function renderArray(
  ranked: readonly Ranked[],
  { style, echo }: { style: 'sglang' | 'tei'; echo: Echo | undefined },
): JsonPieces {
  return new JsonPieces(function* () {
    yield '['
    yield* listed(ranked, function* ({ index, score }) {
      if (style === 'tei') {
        yield `{"index":${index},`
        yield* echoField('text', echo, index)
        yield `"score":${wireFloat(score)}}`
      } else {
        yield `{"score":${wireFloat(score)},`
        yield* echoField('document', echo, index)
        yield `"index":${index},"meta_info":null}`
      }
    })
    yield ']'
  })
}

function* echoField(key: string, echo: Echo | undefined, index: number): Generator<string, void, undefined> {
  const pieces = echoPieces(echo, index)
  if (pieces === undefined) return
  yield `"${key}":`
  yield* pieces
  yield ','
}

/** 0 and null mean all results, as does leaving it out. */
function parseTopN(fields: Fields, settings: RequestSettings, min: number): number | undefined {
  const topN = fields.integer('top_n', min) ?? settings.topN
  return topN === 0 ? undefined : topN
}

function parseDocuments(fields: Fields, settings: RequestSettings): Content[] {
  checkRankFields(fields)
  if (settings.style === 'sglang' && fields.has('documents') && !isList(fields.get('documents'))) {
    throw fields.invalid('documents', 'a list of strings or part lists')
  }
  const documents = parseSide(fields, 'documents', settings)
  if (documents.length > 0) return documents
  const text =
    settings.style === 'sglang' ? 'Documents cannot be empty' : 'At least one text_pair element must be given'
  throw refusal(fields.pathOf('documents'), text)
}

/** Cohere's: what of a document to read. Text alone is read here, and leaving the rest out would rank something else. */
function checkRankFields(fields: Fields): void {
  const asked = fields.get('rank_fields')
  const documents = fields.get('documents')
  const others = isList(asked) && asked.some((name) => name !== 'text')
  if (!others || !isList(documents) || !documents.some(isObject)) return
  throw refusal(fields.pathOf('rank_fields'), '`rank_fields` names more of the documents than their text.', {
    why: 'Only `text` is read.',
    do: 'Put the fields into `text`, such as {"text": "title: …\ntext: …"}, and leave rank_fields out.',
  })
}

/** SGLang's rules and texts; vLLM takes empty texts. */
function refuseEmpty(fields: Fields, query: Content, documents: readonly Content[]): void {
  if (query.length === 0) throw refusal(fields.pathOf('query'), 'Query cannot be empty')
  if (isBlank(query)) throw refusal(fields.pathOf('query'), 'Query cannot be empty or whitespace only')
  for (const [index, document] of documents.entries()) {
    const at = `${fields.pathOf('documents')}[${index}]`
    if (document.length === 0) throw refusal(at, 'Each document must be a non-empty string')
    if (isBlank(document)) throw refusal(at, 'Each document cannot be empty or whitespace only')
  }
}

const isBlank = (content: Content): boolean => typeof content === 'string' && content.trim() === ''
