// POST /v2/embed: Cohere's request and answer, as vLLM serves them.

import type { CutOptions, Embedding, EmbedRequest } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import type { Content } from '../prompts/content.js'
import { mediaParts } from '../prompts/visuals.js'
import { type AnswerHead, addUsage } from './answer.js'
import { type CohereType, cohereTypes, vectorAs } from './cohere-types.js'
import { parseContent } from './content.js'
import { Fields, invalidField, isList, notOneOf, refusal } from './fields.js'
import { checkVector } from './floats.js'
import { parsePurpose } from './input-type.js'
import { JsonPieces, listed } from './json-pieces.js'
import { checkItems, checkText, type RequestSettings } from './request-settings.js'

/** What the answer depends on besides the vectors. */
export interface CohereEmbedShape {
  /** Each once, in the order of the answer. */
  types: readonly CohereType[]
  /** The `texts` of the request as JSON text; absent for images and mixed inputs. */
  texts: Iterable<string> | undefined
  hasImages: boolean
  /** With truncate NONE: longer prompts are refused by `checkMaxTokens`. */
  maxTokens: number | undefined
}

export interface CohereEmbedBody extends CohereEmbedShape {
  /** One for each vector of the answer. */
  requests: readonly EmbedRequest[]
}

/** Throws REQUEST_SCHEMA, REQUEST_INVALID, REQUEST_TOO_LARGE, MEDIA_UNSUPPORTED. */
export function parseCohereEmbed(body: unknown, path: string, settings: RequestSettings = {}): CohereEmbedBody {
  const fields = new Fields(body, path)
  const { key, contents } = parseInputs(fields, settings)
  const { maxTokens, ...cut } = parseCut(fields)
  const types = parseTypes(fields)
  const dimensions = fields.integer('output_dimension', 1) ?? settings.dimensions
  if (dimensions !== undefined) checkBits(dimensions, types)
  const options = {
    instruction: settings.instruction,
    ...parsePurpose(fields, 'input_type', settings),
    dimensions,
    ...cut,
  }
  return {
    requests: contents.map((content, index) => ({ content, param: `${fields.pathOf(key)}[${index}]`, ...options })),
    types,
    texts: key === 'texts' ? contents.map((content) => JSON.stringify(content)) : undefined,
    hasImages: contents.some((content) => mediaParts(content).some(({ type }) => type === 'image')),
    maxTokens,
  }
}

/** For truncate NONE, with the tokens of each prompt. Throws REQUEST_INVALID with vLLM's text. */
export function checkMaxTokens(
  { maxTokens }: Pick<CohereEmbedShape, 'maxTokens'>,
  promptTokens: readonly number[],
): void {
  const tooLong = promptTokens.find((tokens) => maxTokens !== undefined && tokens > maxTokens)
  if (tooLong === undefined) return
  throw new QvlError('REQUEST_INVALID', {
    what:
      `Input of ${tooLong} tokens exceeds max_tokens=${maxTokens} with truncate=NONE. ` +
      'Set truncate to END or START to allow truncation.',
    param: 'body.max_tokens',
  })
}

/** Throws RESULT_NOT_FINITE, and REQUEST_INVALID for a width that bits do not fill. */
export function renderCohereEmbed(
  head: AnswerHead,
  { types, texts, hasImages }: CohereEmbedShape,
  embeddings: readonly Pick<Embedding, 'vector' | 'usage'>[],
): JsonPieces {
  for (const { vector } of embeddings) {
    checkVector(vector, { encoding: 'float' })
    checkBits(vector.length, types)
  }
  const { promptTokens } = addUsage(embeddings.map(({ usage }) => usage))
  const billed = hasImages
    ? { input_tokens: 0, image_tokens: promptTokens }
    : { input_tokens: promptTokens, image_tokens: 0 }
  const meta = JSON.stringify({ api_version: { version: '2' }, billed_units: billed })
  return new JsonPieces(function* () {
    yield `{"id":${JSON.stringify(`embd-${head.id}`)},"embeddings":{`
    yield* listed(types, function* (type) {
      yield `"${type}":[`
      yield* listed(embeddings, ({ vector }) => vectorAs(type, vector))
      yield ']'
    })
    yield '},'
    if (texts !== undefined) {
      yield '"texts":['
      yield* listed(texts, (text) => [text])
      yield '],'
    }
    yield `"meta":${meta},"response_type":"embeddings_by_type"}`
  })
}

const inputKeys = ['texts', 'images', 'inputs'] as const

function parseInputs(fields: Fields, settings: RequestSettings): { key: string; contents: Content[] } {
  const lists = inputKeys.map((key) => {
    const value = fields.get(key) ?? []
    if (!isList(value)) throw fields.invalid(key, 'a list')
    return { key, value }
  })
  const given = lists.filter(({ value }) => value.length > 0)
  const [only] = given
  if (only === undefined || given.length > 1) {
    throw new QvlError('REQUEST_SCHEMA', {
      what: 'Exactly one of `texts`, `images` and `inputs` must have elements.',
      do: 'Send texts as `texts`, and images or both together as `inputs`.',
      param: fields.path,
    })
  }
  checkItems(only.value.length, fields.pathOf(only.key), settings)
  const contents = only.value.map((item, index) => {
    const at = `${fields.pathOf(only.key)}[${index}]`
    const content = parseInput(only.key, item, at)
    checkText(content, at, settings)
    return content
  })
  return { key: only.key, contents }
}

function parseInput(key: (typeof inputKeys)[number], item: unknown, path: string): Content {
  if (key === 'inputs') {
    const fields = new Fields(item, path)
    if (!isList(fields.get('content'))) throw fields.invalid('content', 'a list of content parts')
    return parseContent(item, path)
  }
  if (typeof item !== 'string') throw invalidField(path, item, key === 'texts' ? 'a string' : 'a URL or data URI')
  return key === 'texts' ? item : [{ type: 'image', image: item }]
}

/** END keeps the first `max_tokens`, START the last; without a number, as many as the model reads. */
function parseCut(fields: Fields): CutOptions & { maxTokens?: number | undefined } {
  const truncate = fields.oneOf('truncate', ['NONE', 'START', 'END']) ?? 'END'
  const maxTokens = fields.integer('max_tokens', 1)
  if (truncate === 'NONE') return { maxTokens }
  return { truncatePromptTokens: maxTokens ?? -1, truncationSide: truncate === 'START' ? 'left' : 'right' }
}

function parseTypes(fields: Fields): CohereType[] {
  const asked = fields.get('embedding_types')
  const path = fields.pathOf('embedding_types')
  if (asked === undefined) return ['float']
  if (!isList(asked)) throw fields.invalid('embedding_types', `a list of ${cohereTypes.join(', ')}`)
  for (const [index, type] of asked.entries()) {
    if (type === 'int8' || type === 'uint8') throw wholeNumbers(`${path}[${index}]`, type)
    if (!cohereTypes.some((each) => each === type)) throw notOneOf(`${path}[${index}]`, type, cohereTypes)
  }
  const types = cohereTypes.filter((type) => asked.includes(type))
  return types.length === 0 ? ['float'] : types
}

/** Cohere's own are scaled by numbers that belong to its models. */
const wholeNumbers = (path: string, type: string): QvlError =>
  refusal(path, `The embedding type ${type} is not supported.`, {
    why: 'It needs a range for every dimension, which these models do not come with.',
    do: `Ask for ${cohereTypes.join(', ')}.`,
  })

function checkBits(width: number, types: readonly CohereType[]): void {
  if (width % 8 === 0 || !types.some((type) => type === 'binary' || type === 'ubinary')) return
  throw new QvlError('REQUEST_INVALID', {
    what: `Binary embeddings need a width that is a multiple of 8, and this one is ${width}.`,
    do: 'Ask for another output_dimension.',
    param: 'body.output_dimension',
  })
}
