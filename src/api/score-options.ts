// The fields of requests about a query and documents: how they are cut, and the variables of the score template.

import type { ScoreRequest } from '../engine/requests.js'
import type { Content } from '../prompts/content.js'
import { parseContent, parseContents } from './content.js'
import { parseChatTemplate, parseTemplateVariables } from './conversation.js'
import { type Fields, isList, refusal } from './fields.js'
import { parseInstruction, parseRequestOptions, refuseDimensions } from './request-options.js'
import { checkItems, checkText, type RequestSettings } from './request-settings.js'

export type ScoreOptions = Omit<ScoreRequest, 'query' | 'documents' | 'params'>

/** Throws REQUEST_SCHEMA, and REQUEST_INVALID with vLLM's texts. */
export function parseScoreOptions(fields: Fields, settings: RequestSettings): ScoreOptions {
  refuseDimensions(fields)
  refuseTemplate(fields, settings)
  return {
    instruction: parseVariableInstruction(fields, settings) ?? parseInstruction(fields, settings),
    ...parseRequestOptions(fields, settings),
    maxTokensPerQuery: parseMaxTokens(fields, 'max_tokens_per_query', settings),
    maxTokensPerDoc: parseMaxTokens(fields, 'max_tokens_per_doc', settings),
  }
}

/** Throws REQUEST_SCHEMA, REQUEST_TOO_LARGE. */
export function parseSide(fields: Fields, key: string, settings: RequestSettings): Content[] {
  const value = fields.get(key)
  const path = fields.pathOf(key)
  if (value === undefined) throw fields.invalid(key, 'a string, a content object, or a list of them')
  if (isList(value)) checkItems(value.length, path, settings)
  const contents = parseContents(value, path)
  for (const [index, content] of contents.entries()) {
    checkText(content, isList(value) ? `${path}[${index}]` : path, settings)
  }
  return contents
}

/** Where each item of a side stands. */
export function itemPaths(fields: Fields, key: string): string[] {
  const value = fields.get(key)
  const path = fields.pathOf(key)
  return isList(value) ? value.map((_, index) => `${path}[${index}]`) : [path]
}

/** A query is one item; a list is its parts. */
export function parseQuery(fields: Fields, settings: RequestSettings): Content {
  const path = fields.pathOf('query')
  const value = fields.get('query')
  if (value === undefined) throw fields.invalid('query', 'a string or a content object')
  const query = parseContent(value, path)
  checkText(query, path, settings)
  return query
}

/** vLLM's texts, because clients look for them. 0 means no limit. */
function parseMaxTokens(fields: Fields, key: string, { model }: RequestSettings): number | undefined {
  const maxTokens = fields.integer(key, Number.MIN_SAFE_INTEGER)
  if (maxTokens === undefined || maxTokens === 0) return undefined
  if (maxTokens < 0) throw refusal(fields.pathOf(key), `${key} must be a non-negative integer`)
  if (model !== undefined && maxTokens >= model.maxModelLen) {
    const limit = `max_model_len (${model.maxModelLen})`
    throw refusal(fields.pathOf(key), `${key} (${maxTokens}) must be less than ${limit}.`)
  }
  return maxTokens
}

/**
 * The instruction is the one variable of the official prompts, and wins over the field. vLLM drops variables that a
 * template does not use, and so do we.
 */
function parseVariableInstruction(fields: Fields, settings: RequestSettings): string | undefined {
  const variables = parseTemplateVariables(fields)
  for (const key of ['instruction', 'instruct']) {
    const value = variables?.[key]
    if (typeof value !== 'string') continue
    checkText(value, `${fields.pathOf('chat_template_kwargs')}.${key}`, settings)
    return value
  }
  return undefined
}

/** vLLM's scorers take their template from the server alone. */
function refuseTemplate(fields: Fields, settings: RequestSettings): void {
  if (parseChatTemplate(fields, settings) === undefined) return
  throw refusal(fields.pathOf('chat_template'), `\`${fields.pathOf('chat_template')}\` is not supported.`, {
    why: 'A score template belongs to the model.',
    do: 'Leave it out, and start the server with --chat-template.',
  })
}
