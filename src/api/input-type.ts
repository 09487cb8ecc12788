// What a text is for, by the names that Cohere and sentence-transformers give it.

import type { EmbedRequest } from '../engine/requests.js'
import { type Fields, refusal } from './fields.js'
import type { RequestSettings } from './request-settings.js'

/**
 * The names in the models' own config_sentence_transformers.json are `query` and `document`; Cohere's clients send
 * `search_query` and `search_document`, and `image` with images.
 */
const purposes: ReadonlyMap<string, 'query' | 'document'> = new Map([
  ['document', 'document'],
  ['image', 'document'],
  ['passage', 'document'],
  ['query', 'query'],
  ['search_document', 'document'],
  ['search_query', 'query'],
])

/** One of the model's own prompts, or else a role. Throws REQUEST_INVALID with vLLM's text for a name nobody knows. */
export function parsePurpose(
  fields: Fields,
  key: 'prompt_name' | 'input_type',
  { promptNames = [] }: RequestSettings,
): Pick<EmbedRequest, 'promptName' | 'role'> {
  const name = fields.string(key)
  if (name === undefined) return { role: undefined }
  if (promptNames.includes(name)) return { promptName: name }
  const role = purposes.get(name)
  if (role !== undefined) return { role }
  const supported = [...new Set([...promptNames, ...purposes.keys()])].join(', ')
  throw refusal(
    fields.pathOf(key),
    `Unsupported ${key} '${name.slice(0, maxNameLength)}'. Supported values: ${supported}`,
  )
}

/** Messages never echo a body. */
const maxNameLength = 40
