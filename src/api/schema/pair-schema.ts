// Schemas of the endpoints that compare a query with documents: rerank and score.

import { defs } from './definitions.js'
import {
  anyOf,
  constant,
  type EndpointSchema,
  type JsonSchema,
  listOf,
  number,
  objectOf,
  optional,
  refTo,
  text,
  wholeNumber,
} from './json-schema.js'
import { envelopeFields, scoreFields, teiFields } from './shared-fields.js'

const contents = (description: string): JsonSchema => ({
  description,
  anyOf: [listOf(refTo('Content')), refTo('Content')],
})

const rerankResult = objectOf(
  {
    index: wholeNumber,
    document: objectOf(
      { text: { type: ['string', 'null'] }, multi_modal: anyOf(listOf(refTo('ContentPart')), { type: 'null' }) },
      ['text', 'multi_modal'],
    ),
    relevance_score: number,
  },
  ['index', 'relevance_score'],
)

const searchMeta = objectOf(
  {
    api_version: objectOf({ version: constant('2') }, ['version']),
    billed_units: objectOf({ search_units: wholeNumber }, ['search_units']),
  },
  ['api_version', 'billed_units'],
)

const vllmRanking = objectOf(
  {
    id: text('`score-` and the request id.'),
    model: text(),
    usage: objectOf({ prompt_tokens: wholeNumber, total_tokens: wholeNumber }, ['prompt_tokens', 'total_tokens']),
    results: listOf(rerankResult, 'Best first.'),
    meta: searchMeta,
  },
  ['id', 'model', 'usage', 'results', 'meta'],
)

const sglangRanking = listOf(
  objectOf({ score: number, document: refTo('Content'), index: wholeNumber, meta_info: { type: 'null' } }, [
    'score',
    'index',
    'meta_info',
  ]),
  'With --api-style sglang.',
)

const teiRanking = listOf(
  objectOf({ index: wholeNumber, text: text(), score: number }, ['index', 'score']),
  'For requests with `texts`.',
)

export const rerankSchema: EndpointSchema = {
  request: {
    ...objectOf(
      {
        query: { description: 'What the documents are compared with.', ...refTo('Content') },
        documents: contents('What to rank.'),
        top_n: optional('integer', 'Answer with the best so many; 0: all.', { minimum: 0, default: 0 }),
        return_documents: optional('boolean', 'Repeat the documents in the answer.', { default: true }),
        rank_fields: listOf(text(), 'Of Cohere; other fields than `text` are not read.'),
        ...scoreFields,
        ...envelopeFields,
        texts: listOf(
          text(),
          'Instead of `documents`: the request of Text Embeddings Inference, with the fields below.',
        ),
        raw_scores: optional('boolean', 'Logits rather than probabilities.', { default: false }),
        return_text: optional('boolean', 'Repeat the texts in the answer.', { default: false }),
        ...teiFields,
      },
      ['query'],
    ),
    ...defs('Content', 'ContentPart'),
  },
  response: { ...anyOf(vllmRanking, sglangRanking, teiRanking), ...defs('Content', 'ContentPart') },
  example: {
    query: 'What is the capital of China?',
    documents: ['The capital of China is Beijing.', 'Gravity is a force.'],
    top_n: 1,
  },
}

export const scoreSchema: EndpointSchema = {
  request: {
    ...objectOf(
      {
        queries: contents('One query, or as many as documents.'),
        documents: contents('With `queries`.'),
        items: contents('With `queries`.'),
        data_1: contents('With `data_2`.'),
        data_2: contents('With `data_1`.'),
        text_1: contents('With `text_2`.'),
        text_2: contents('With `text_1`.'),
        ...scoreFields,
        ...envelopeFields,
      },
      [],
    ),
    ...defs('Content', 'ContentPart'),
  },
  response: {
    ...objectOf(
      {
        id: text('`score-` and the request id.'),
        object: constant('list'),
        created: wholeNumber,
        model: text(),
        data: listOf(
          objectOf({ index: wholeNumber, object: constant('score'), score: number }, ['index', 'object', 'score']),
        ),
        usage: refTo('Usage'),
      },
      ['id', 'object', 'created', 'model', 'data', 'usage'],
    ),
    ...defs('Usage'),
  },
  example: {
    text_1: 'What is the capital of China?',
    text_2: ['The capital of China is Beijing.', 'Gravity is a force.'],
  },
}
