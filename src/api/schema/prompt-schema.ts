// Schemas of the endpoints that take single prompts: embeddings, classify and pooling.

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
  type Properties,
  refTo,
  text,
  wholeNumber,
} from './json-schema.js'
import {
  chatFields,
  envelopeFields,
  instructionFields,
  promptFields,
  purposeFields,
  vectorFields,
} from './shared-fields.js'

const conversations = anyOf(listOf(refTo('Message')), listOf(listOf(refTo('Message'))))

/** `input` or `messages`, and the fields that go with them. */
const inputFields = (item: JsonSchema): Properties => ({
  input: {
    description: 'One prompt or several. Send this or `messages`.',
    anyOf: [item, refTo('TokenIds'), listOf(anyOf(item, refTo('TokenIds'))), conversations],
  },
  messages: { description: 'One conversation, or a list of them.', ...conversations },
  add_special_tokens: optional('boolean', 'Default true for `input` and false for conversations.'),
  ...chatFields,
  ...promptFields,
  ...envelopeFields,
})

/** The answer around `data`. */
const answerOf = (prefix: string, entry: JsonSchema): JsonSchema => ({
  ...objectOf(
    {
      id: text(`\`${prefix}-\` and the request id.`),
      object: constant('list'),
      created: wholeNumber,
      model: text(),
      data: listOf(entry),
      usage: refTo('Usage'),
    },
    ['id', 'object', 'created', 'model', 'data', 'usage'],
  ),
  ...defs('Usage'),
})

const vector = anyOf(listOf(number), text('base64'))

export const embeddingsSchema: EndpointSchema = {
  request: {
    ...objectOf(
      {
        ...inputFields(refTo('Content')),
        ...instructionFields,
        ...purposeFields,
        ...vectorFields,
        dimensions: optional('integer', 'Keep so many numbers of each vector.', { minimum: 1 }),
      },
      [],
    ),
    ...defs('Content', 'ContentPart', 'Message', 'TokenIds'),
  },
  response: answerOf(
    'embd',
    objectOf({ index: wholeNumber, object: constant('embedding'), embedding: vector }, [
      'index',
      'object',
      'embedding',
    ]),
  ),
  example: { input: ['What is the capital of China?', 'Explain gravity'], encoding_format: 'float' },
}

export const classifySchema: EndpointSchema = {
  request: {
    ...objectOf(inputFields(text('The finished prompt.')), []),
    ...defs('ContentPart', 'Message', 'TokenIds'),
  },
  response: answerOf(
    'classify',
    objectOf(
      { index: wholeNumber, label: { type: ['string', 'null'] }, probs: listOf(number), num_classes: wholeNumber },
      ['index', 'label', 'probs', 'num_classes'],
    ),
  ),
  example: { input: 'The finished prompt', use_activation: true },
}

export const poolingSchema: EndpointSchema = {
  request: {
    ...objectOf(
      {
        task: {
          enum: ['embed', 'token_embed', 'classify', null],
          description: 'What to pool; by default what the model is for.',
        },
        ...inputFields(refTo('Content')),
        ...instructionFields,
        ...purposeFields,
        ...vectorFields,
      },
      [],
    ),
    ...defs('Content', 'ContentPart', 'Message', 'TokenIds'),
  },
  response: answerOf(
    'pooling',
    objectOf({ index: wholeNumber, object: constant('pooling'), data: anyOf(vector, listOf(listOf(number))) }, [
      'index',
      'object',
      'data',
    ]),
  ),
  example: { input: 'Explain gravity', task: 'embed' },
}
