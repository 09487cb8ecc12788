// Request fields that several endpoints share.

import { embedDtypes, endiannesses } from '../float-bytes.js'
import { choice, optional, type Properties } from './json-schema.js'

export const envelopeFields: Properties = {
  model: optional('string', 'One of the served names; may be left out.'),
  user: optional('string', 'Accepted and not used.'),
  request_id: optional('string', 'Accepted and not used; send the header X-Request-Id.'),
  priority: optional('integer', 'Lower goes first, with --scheduling-policy priority.', { default: 0 }),
  cache_salt: optional('string', 'Keeps cached prefixes of different salts apart.', { minLength: 1, maxLength: 1024 }),
}

export const promptFields: Properties = {
  truncate_prompt_tokens: optional(
    'integer',
    'Cut longer texts so that the prompt has this many tokens; -1: the model’s limit.',
    {
      minimum: -1,
    },
  ),
  truncation_side: choice(['right', 'left'], 'Which end of the text goes. The end of the prompt always stays.'),
  use_activation: optional('boolean', 'Normalised vectors and probabilities (true), or plain vectors and logits.', {
    default: true,
  }),
  mm_processor_kwargs: optional(
    'object',
    'How large images are looked at: `min_pixels`, `max_pixels`; and how many frames of videos: `fps`, `num_frames`, ' +
      '`min_frames`, `max_frames`, `total_pixels`.',
  ),
  media_io_kwargs: optional(
    'object',
    'Which frames of videos are looked at: `{"video": {"num_frames": 8}}`, or `fps`.',
  ),
}

export const instructionFields: Properties = {
  instruction: optional('string', 'What the model should do; the official instruction when it is left out.'),
  instruct: optional('string', 'SGLang’s name of `instruction`.'),
}

/** Of requests for vectors. */
export const purposeFields: Properties = {
  prompt_name: optional('string', 'One of the model’s own prompts, or `query` or `document`.'),
}

export const chatFields: Properties = {
  add_generation_prompt: optional('boolean', 'For conversations: end with the header of an answer.', {
    default: false,
  }),
  continue_final_message: optional('boolean', 'For conversations: leave the last message open.', { default: false }),
  chat_template: optional('string', 'A Jinja template; refused without --trust-request-chat-template.'),
  chat_template_kwargs: optional('object', 'Variables for the template.'),
}

export const vectorFields: Properties = {
  encoding_format: choice(['float', 'base64', 'bytes', 'bytes_only'], 'Numbers, base64, or a body of bytes.'),
  embed_dtype: choice(embedDtypes, 'Number type of base64 and bytes.'),
  endianness: choice(endiannesses, 'Byte order of base64 and bytes.'),
}

/** Of both requests of Text Embeddings Inference. */
export const teiFields: Properties = {
  truncate: optional('boolean', 'Cut what is longer than the model reads, rather than refuse it.', { default: false }),
  truncation_direction: choice(['Right', 'Left', 'right', 'left'], 'Which end goes.'),
}

export const scoreFields: Properties = {
  ...instructionFields,
  ...promptFields,
  max_tokens_per_query: optional('integer', 'Cut the query to this many tokens; 0: never.', { minimum: 0, default: 0 }),
  max_tokens_per_doc: optional('integer', 'Cut each document to this many tokens; 0: never.', {
    minimum: 0,
    default: 0,
  }),
  chat_template_kwargs: optional('object', 'Variables for the score template; `instruction` wins over the field.'),
}
