// Schemas of what is no endpoint of its own: /invocations, the cards of /v1/models, and errors.

import {
  constant,
  type EndpointSchema,
  type JsonSchema,
  listOf,
  number,
  objectOf,
  text,
  wholeNumber,
} from './json-schema.js'
import { rerankSchema, scoreSchema } from './pair-schema.js'
import { classifySchema, embeddingsSchema, poolingSchema } from './prompt-schema.js'

const invoked = [embeddingsSchema, classifySchema, rerankSchema, scoreSchema, poolingSchema]

export const invocationsSchema: EndpointSchema = {
  request: { description: 'A body of another endpoint; the first that accepts it answers.', ...merged('request') },
  response: merged('response'),
  example: rerankSchema.example,
}

export const modelsSchema: { response: JsonSchema } = {
  response: objectOf(
    {
      object: constant('list'),
      data: listOf(
        objectOf(
          {
            id: text('A served name.'),
            object: constant('model'),
            created: wholeNumber,
            owned_by: text(),
            root: text(),
            parent: { type: 'null' },
            max_model_len: wholeNumber,
            permission: listOf({ type: 'object' }),
          },
          ['id', 'object', 'created', 'owned_by', 'root', 'parent', 'max_model_len', 'permission'],
        ),
      ),
    },
    ['object', 'data'],
  ),
}

export const errorSchema: JsonSchema = objectOf(
  {
    error: objectOf(
      {
        message: text('What happened, why, and what to do.'),
        type: text('Such as BadRequestError, or "Bad Request" for a body of a wrong form.'),
        param: { type: ['string', 'null'], description: 'The field at fault, such as body.documents[3].' },
        code: { ...number, description: 'The HTTP status.' },
      },
      ['message', 'type', 'param', 'code'],
    ),
  },
  ['error'],
)

/** One of several schemas; their definitions, which have the same names for the same things, are kept at the top. */
function merged(part: 'request' | 'response'): JsonSchema {
  const schemas = invoked.map((each) => each[part])
  const definitions = schemas.flatMap(({ $defs }) => Object.entries($defs ?? {}))
  return { anyOf: schemas.map(({ $defs, ...rest }) => rest), $defs: Object.fromEntries(definitions) }
}
