// The schema of /explain.

import { constant, type EndpointSchema, listOf, objectOf, text, wholeNumber } from './json-schema.js'
import { invocationsSchema } from './server-schema.js'

const prompt = objectOf(
  {
    index: wholeNumber,
    prompt: text('With special tokens; an image is as many `<|image_pad|>` as it has tokens.'),
    tokens: wholeNumber,
  },
  ['index', 'prompt', 'tokens'],
)

const kinds = ['embeddings', 'rerank', 'score', 'classify', 'pooling']

export const explainSchema: EndpointSchema = {
  request: invocationsSchema.request,
  response: objectOf(
    {
      kind: { anyOf: kinds.map(constant), description: 'What the body was taken for.' },
      prompts: listOf(prompt, 'In the order of the request; where vectors are compared, the query comes first.'),
    },
    ['kind', 'prompts'],
  ),
  example: invocationsSchema.example,
}
