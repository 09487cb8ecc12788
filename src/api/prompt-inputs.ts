// What a request about single prompts holds in `input` or `messages`: texts, token ids, contents or conversations.

import type { ChatMessage, TokenIds } from '../engine/requests.js'
import type { Content } from '../prompts/content.js'
import { parseContent } from './content.js'
import { type ChatFields, isMessage, parseChatFields, parseMessages } from './conversation.js'
import { Fields, isList, refusal } from './fields.js'
import { isFinished, parseFinished, parseTokenIds } from './finished-prompt.js'
import { checkItems, checkText, type RequestSettings } from './request-settings.js'

/** One prompt of a request, and where it stands. */
export type PromptInput = { path: string } & (
  | { kind: 'content'; content: Content }
  | ({ kind: 'tokens' } & TokenIds)
  | { kind: 'conversation'; messages: readonly ChatMessage[]; chat: ChatFields }
)

/** `messages` where it is there, else `input`; at least one prompt. Throws REQUEST_SCHEMA, REQUEST_TOO_LARGE. */
export function parsePromptInputs(fields: Fields, settings: RequestSettings): PromptInput[] {
  const key = fields.has('messages') ? 'messages' : 'input'
  return key === 'messages' ? parseConversations(fields, key, settings) : parseInputs(fields, key, settings)
}

/** The accepted forms of a field that holds one prompt or a list of them. */
export function parseInputs(fields: Fields, key: string, settings: RequestSettings): PromptInput[] {
  const path = fields.pathOf(key)
  const input = fields.get(key)
  const parseItem = (item: unknown, at: string): PromptInput =>
    isFinished(item) ? parseFinished(new Fields(item, at), fields) : parsePrompt(item, at, settings)
  if (!isList(input)) {
    if (input === undefined) throw fields.invalid(key, inputForms)
    return [parseItem(input, path)]
  }
  if (input.length === 0) throw fields.invalid(key, inputForms)
  if (typeof input[0] === 'number') return [{ kind: 'tokens', tokens: parseTokenIds(input, path), path }]
  if (isConversation(input[0]) || isMessage(input[0])) return parseConversations(fields, key, settings)
  checkItems(input.length, path, settings)
  return input.map((item, index) => parseItem(item, `${path}[${index}]`))
}

const inputForms = 'a string, token ids, or a list of strings, token id lists or content objects'

const isConversation = (value: unknown): boolean => isList(value) && isMessage(value[0])

function parsePrompt(value: unknown, path: string, settings: RequestSettings): PromptInput {
  if (isList(value) && typeof value[0] === 'number') {
    return { kind: 'tokens', tokens: parseTokenIds(value, path), path }
  }
  // An empty list could be no tokens or no parts; vLLM refuses a prompt of no tokens.
  if (isList(value) && value.length === 0) throw refusal(path, 'The decoder prompt cannot be empty')
  const content = parseContent(value, path)
  checkText(content, path, settings)
  return { kind: 'content', content, path }
}

/** One conversation, or a list of them; the fields of chat requests go for all. */
function parseConversations(fields: Fields, key: string, settings: RequestSettings): PromptInput[] {
  const path = fields.pathOf(key)
  const value = fields.get(key)
  const chat = parseChatFields(fields, settings, { addGenerationPrompt: false })
  const conversation = (messages: unknown, at: string): PromptInput => ({
    kind: 'conversation',
    messages: parseMessages(messages, at, settings),
    chat,
    path: at,
  })
  if (!isList(value) || !isList(value[0])) return [conversation(value, path)]
  checkItems(value.length, path, settings)
  return value.map((each, index) => conversation(each, `${path}[${index}]`))
}
