// Schemas of /tokenize and /detokenize.

import { defs } from './definitions.js'
import { anyOf, type EndpointSchema, listOf, objectOf, optional, refTo, text, wholeNumber } from './json-schema.js'
import { chatFields, envelopeFields } from './shared-fields.js'

export const tokenizeSchema: EndpointSchema = {
  request: {
    ...objectOf(
      {
        prompt: text('A text, special tokens included. Send this or `messages`.'),
        messages: listOf(refTo('Message'), 'A conversation, which the chat template renders.'),
        add_special_tokens: optional('boolean', 'Default true for `prompt` and false for `messages`.'),
        return_token_strs: optional('boolean', 'Also answer with the text of each token.', { default: false }),
        ...chatFields,
        add_generation_prompt: optional('boolean', 'End with the header of an answer.', { default: true }),
        ...envelopeFields,
      },
      [],
    ),
    ...defs('ContentPart', 'Message'),
  },
  response: objectOf(
    {
      count: wholeNumber,
      max_model_len: wholeNumber,
      tokens: listOf(wholeNumber),
      token_strs: anyOf(listOf(text()), { type: 'null' }),
    },
    ['count', 'max_model_len', 'tokens', 'token_strs'],
  ),
  example: { prompt: 'Explain gravity', return_token_strs: true },
}

export const detokenizeSchema: EndpointSchema = {
  request: {
    ...objectOf({ tokens: refTo('TokenIds'), ...envelopeFields }, ['tokens']),
    ...defs('TokenIds'),
  },
  response: objectOf({ prompt: text() }, ['prompt']),
  example: { tokens: [840, 20772, 23249] },
}
