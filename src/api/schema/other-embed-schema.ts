// Schemas of the embedding endpoints of others: Cohere's /v2/embed and /embed of Text Embeddings Inference.

import { cohereTypes } from '../cohere-types.js'
import { defs } from './definitions.js'
import {
  anyOf,
  choice,
  constant,
  type EndpointSchema,
  listOf,
  number,
  objectOf,
  optional,
  refTo,
  text,
  wholeNumber,
} from './json-schema.js'
import { envelopeFields, teiFields } from './shared-fields.js'

export const cohereEmbedSchema: EndpointSchema = {
  request: {
    ...objectOf(
      {
        texts: listOf(text(), 'Send exactly one of `texts`, `images` and `inputs`.'),
        images: listOf(text(), 'URLs or data URIs.'),
        inputs: listOf(objectOf({ content: listOf(refTo('ContentPart')) }, ['content'])),
        input_type: optional('string', 'query, search_query, document, search_document, passage or image.'),
        output_dimension: optional('integer', 'Keep so many numbers of each vector.', { minimum: 1 }),
        embedding_types: listOf({ enum: cohereTypes }, 'Default float.'),
        truncate: choice(['END', 'START', 'NONE'], 'Which end of a text that is too long goes.'),
        max_tokens: optional('integer', 'The longest prompt; by default what the model reads.', { minimum: 1 }),
        ...envelopeFields,
      },
      [],
    ),
    ...defs('ContentPart'),
  },
  response: objectOf(
    {
      id: text('`embd-` and the request id.'),
      embeddings: objectOf(
        {
          float: listOf(listOf(number)),
          binary: listOf(listOf(wholeNumber)),
          ubinary: listOf(listOf(wholeNumber)),
          base64: listOf(text()),
        },
        [],
      ),
      texts: listOf(text()),
      meta: objectOf(
        {
          api_version: objectOf({ version: constant('2') }, ['version']),
          billed_units: objectOf({ input_tokens: wholeNumber, image_tokens: wholeNumber }, [
            'input_tokens',
            'image_tokens',
          ]),
        },
        ['api_version', 'billed_units'],
      ),
      response_type: constant('embeddings_by_type'),
    },
    ['id', 'embeddings', 'meta', 'response_type'],
  ),
  example: { texts: ['Explain gravity'], input_type: 'search_document', embedding_types: ['float', 'base64'] },
}

export const teiEmbedSchema: EndpointSchema = {
  request: {
    ...objectOf(
      {
        inputs: anyOf(text(), refTo('TokenIds'), listOf(anyOf(text(), refTo('TokenIds')))),
        normalize: optional('boolean', 'Vectors of length 1.', { default: true }),
        dimensions: optional('integer', 'Keep so many numbers of each vector.', { minimum: 1 }),
        prompt_name: optional('string', 'query or document.'),
        ...teiFields,
        ...envelopeFields,
      },
      ['inputs'],
    ),
    ...defs('TokenIds'),
  },
  response: listOf(listOf(number), 'A vector for each input.'),
  example: { inputs: ['What is the capital of China?', 'Explain gravity'], truncate: true },
}
