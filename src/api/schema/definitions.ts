// Schemas that several endpoints share, by the names under which they refer to them.

import {
  anyOf,
  constant,
  type JsonSchema,
  listOf,
  objectOf,
  optional,
  refTo,
  text,
  wholeNumber,
} from './json-schema.js'

const urlOf = (name: string): JsonSchema =>
  anyOf(objectOf({ url: text() }, ['url']), text(`The ${name}, as older clients send it.`))

const definitions = {
  ContentPart: {
    description: 'A text, an image or a video. Other types are refused.',
    oneOf: [
      objectOf({ type: { enum: ['text', 'input_text'] }, text: text() }, ['type', 'text']),
      objectOf({ type: { enum: ['image_url', 'input_image'] }, image_url: urlOf('URL') }, ['type', 'image_url']),
      objectOf({ type: constant('video_url'), video_url: urlOf('URL') }, ['type', 'video_url']),
    ],
  },
  Content: {
    description: 'One item: a text, or parts in any of the forms that vLLM, SGLang and Cohere have for them.',
    anyOf: [
      text(),
      listOf(refTo('ContentPart'), 'Parts without a wrapper, as SGLang takes them.'),
      objectOf({ content: anyOf(text(), listOf(refTo('ContentPart'))) }, ['content']),
      objectOf(
        {
          text: optional('string', 'The text; alone, as Cohere sends documents.'),
          image: optional('string', 'URL of an image.'),
          video: { description: 'URL of a video, or the URLs of its frames.', anyOf: [text(), listOf(text())] },
        },
        [],
      ),
      refTo('ContentPart'),
    ],
  },
  Message: {
    description: 'A chat message.',
    ...objectOf(
      { role: text('Such as system, user or assistant.'), content: anyOf(text(), listOf(refTo('ContentPart'))) },
      ['role'],
    ),
  },
  TokenIds: listOf({ type: 'integer', minimum: 0 }, 'A prompt as token ids; nothing is put around it.'),
  Usage: objectOf(
    {
      prompt_tokens: wholeNumber,
      total_tokens: wholeNumber,
      completion_tokens: constant(0),
      prompt_tokens_details: anyOf(objectOf({ cached_tokens: wholeNumber }, ['cached_tokens']), { type: 'null' }),
    },
    ['prompt_tokens', 'total_tokens', 'completion_tokens', 'prompt_tokens_details'],
  ),
} as const satisfies Readonly<Record<string, JsonSchema>>

type Name = keyof typeof definitions

/** The named definitions, for the `$defs` of a schema. */
export const defs = (...names: readonly Name[]): JsonSchema => ({
  $defs: Object.fromEntries(names.map((name) => [name, definitions[name]])),
})
