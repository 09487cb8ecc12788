// POST /tokenize and /detokenize: answered by the tokenizer alone.

import { detokenizeSchema, tokenizeSchema } from '../../api/schema/token-schema.js'
import type { Route } from '../route.js'
import { jsonAnswer, prepare } from './work.js'

export const tokenize: Route = {
  methods: ['POST'],
  paths: ['/tokenize'],
  name: 'tokenize',
  summary: 'The token ids of a text, or of a conversation in its chat template.',
  works: true,
  describe: tokenizeSchema,
  handle: async (request, context) => jsonAnswer((await prepare('tokenize', request, context)).texts),
}

export const detokenize: Route = {
  methods: ['POST'],
  paths: ['/detokenize'],
  name: 'detokenize',
  summary: 'The text of token ids.',
  works: true,
  describe: detokenizeSchema,
  handle: async (request, context) => jsonAnswer((await prepare('detokenize', request, context)).texts),
}
