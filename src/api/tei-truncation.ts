// `truncate` and `truncation_direction`, which Text Embeddings Inference has for both of its requests.

import type { CutOptions } from '../engine/requests.js'
import type { Fields } from './fields.js'
import type { RequestSettings } from './request-settings.js'

/** TEI writes directions with a capital in its description, and its clients in small letters. */
const directions = ['Left', 'Right', 'left', 'right'] as const

/** TEI cuts to the model's limit, and only when asked. Throws REQUEST_SCHEMA. */
export function parseTeiTruncation(fields: Fields, settings: RequestSettings): CutOptions {
  const truncate = fields.boolean('truncate')
  const direction = fields.oneOf('truncation_direction', directions) ?? 'Right'
  return {
    truncatePromptTokens: truncate === undefined ? settings.truncatePromptTokens : truncate ? -1 : undefined,
    truncationSide: direction.toLowerCase() === 'left' ? 'left' : 'right',
  }
}
