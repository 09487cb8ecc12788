// What a text is for, by the names that Cohere and sentence-transformers give it.

import { type Fields, refusal } from './fields.js'

/**
 * The names in the models' own config_sentence_transformers.json are `query` and `document`; Cohere's clients send
 * `search_query` and `search_document`.
 */
const purposes: ReadonlyMap<string, 'query' | 'document'> = new Map([
  ['document', 'document'],
  ['passage', 'document'],
  ['query', 'query'],
  ['search_document', 'document'],
  ['search_query', 'query'],
])

/** Throws REQUEST_INVALID with vLLM's text for a name nobody knows. */
export function roleNamed(key: string, name: string, fields: Fields): 'query' | 'document' {
  const role = purposes.get(name)
  if (role !== undefined) return role
  const supported = [...purposes.keys()].join(', ')
  throw refusal(
    fields.pathOf(key),
    `Unsupported ${key} '${name.slice(0, maxNameLength)}'. Supported values: ${supported}`,
  )
}

/** Messages never echo a body. */
const maxNameLength = 40
