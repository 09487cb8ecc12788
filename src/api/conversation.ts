// Chat messages: the model's official recipe where they are that, else a prompt that the chat template renders.

import type { ChatMessage, ChatOptions } from '../engine/requests.js'
import type { QvlError } from '../errors.js'
import type { Content } from '../prompts/content.js'
import { mediaParts } from '../prompts/visuals.js'
import { parseContent } from './content.js'
import { Fields, invalidField, isList, isObject, refusal } from './fields.js'
import { checkText, type RequestSettings } from './request-settings.js'

/** How a conversation becomes a prompt. */
export interface ChatFields {
  options: ChatOptions
  addSpecialTokens: boolean
}

/** What an embedding request says when its messages are the official recipe. */
export interface Recipe {
  instruction: string | undefined
  content: Content
}

/** Arguments of the renderer, which no variable may replace. */
const reservedVariables = ['chat_template', 'tools', 'tokenize'] as const

export const isMessage = (value: unknown): boolean => isObject(value) && typeof value.role === 'string'

/** One conversation. Throws REQUEST_SCHEMA, REQUEST_TOO_LARGE. */
export function parseMessages(value: unknown, path: string, settings: RequestSettings): ChatMessage[] {
  if (!isList(value) || value.length === 0) throw invalidField(path, value, 'a list of at least one message')
  return value.map((message, index) => parseMessage(new Fields(message, `${path}[${index}]`), settings))
}

/** Throws REQUEST_SCHEMA, and REQUEST_INVALID with vLLM's texts. */
export function parseChatFields(
  fields: Fields,
  settings: RequestSettings,
  defaults: { addGenerationPrompt: boolean },
): ChatFields {
  const continueFinalMessage = fields.boolean('continue_final_message') ?? false
  const asked = fields.boolean('add_generation_prompt')
  if (continueFinalMessage && asked === true) {
    throw refusal(
      fields.pathOf('continue_final_message'),
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
    )
  }
  const options = {
    addGenerationPrompt: asked ?? (defaults.addGenerationPrompt && !continueFinalMessage),
    continueFinalMessage,
    chatTemplate: parseChatTemplate(fields, settings),
    kwargs: parseTemplateVariables(fields),
  }
  return { options, addSpecialTokens: fields.boolean('add_special_tokens') ?? false }
}

/** Variables for a template. Throws REQUEST_INVALID for a reserved name. */
export function parseTemplateVariables(fields: Fields): Readonly<Record<string, unknown>> | undefined {
  const variables = fields.record('chat_template_kwargs')
  if (variables === undefined) return undefined
  const reserved = reservedVariables.filter((name) => Object.hasOwn(variables, name))
  if (reserved.length === 0) return variables
  const names = reserved.map((name) => `'${name}'`).join(', ')
  throw refusal(
    fields.pathOf('chat_template_kwargs'),
    `chat_template_kwargs contains reserved keys that conflict with fixed scorer arguments: {${names}}`,
  )
}

/** Throws REQUEST_INVALID unless requests are trusted to bring templates: a template is a program. */
export function parseChatTemplate(fields: Fields, settings: RequestSettings): string | undefined {
  const chatTemplate = fields.string('chat_template')
  if (chatTemplate === undefined || settings.trustRequestChatTemplate === true) return chatTemplate
  throw refusal(
    fields.pathOf('chat_template'),
    'Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with ' +
      'untrusted chat template.',
  )
}

/**
 * `[system text]? [user content] [assistant ''?]` is how vLLM's example writes the prompt of Qwen3-VL-Embedding by hand;
 * with the flags left out it would lose its end. Undefined for every other conversation, or where a template was given.
 */
export function officialRecipe(messages: readonly ChatMessage[], { options }: ChatFields): Recipe | undefined {
  if (options.chatTemplate !== undefined || Object.keys(options.kwargs ?? {}).length > 0) return undefined
  const roles = messages.map(({ role }) => role).join(' ')
  if (!/^(system )?user( assistant)?$/.test(roles)) return undefined
  const contentOf = (role: string): Content | undefined => messages.find((message) => message.role === role)?.content
  const system = plainText(contentOf('system') ?? '')
  if (system === undefined || plainText(contentOf('assistant') ?? '') !== '') return undefined
  return { instruction: system === '' ? undefined : system, content: contentOf('user') ?? '' }
}

/** The finished prompt. Throws what rendering throws, and REQUEST_INVALID where nothing can render. */
export function renderConversation(
  { messages, chat, path }: { messages: readonly ChatMessage[]; chat: ChatFields; path: string },
  { renderChat }: RequestSettings,
): string {
  if (messages.some(({ content }) => mediaParts(content).length > 0)) throw mediaInChat(path)
  if (renderChat !== undefined) return renderChat(messages, chat.options)
  throw refusal(path, `\`${path}\` is a conversation that only a chat template can render.`, {
    why: 'Chat templates are not used here.',
    do: 'Send an optional system text, one user message and nothing else.',
  })
}

function parseMessage(fields: Fields, settings: RequestSettings): ChatMessage {
  const role = fields.string('role')
  if (role === undefined) throw fields.invalid('role', 'a string such as "user"')
  const path = fields.pathOf('content')
  const given = fields.get('content') ?? ''
  if (typeof given !== 'string' && !isList(given)) throw fields.invalid('content', 'a string or a list of parts')
  // vLLM takes bare strings among the parts of a message.
  const parts = isList(given)
    ? given.map((part) => (typeof part === 'string' ? { type: 'text', text: part } : part))
    : given
  const content = parseContent(parts, path)
  checkText(content, path, settings)
  return { role, content }
}

const mediaInChat = (path: string): QvlError =>
  refusal(path, `\`${path}\` has an image or a video where a chat template would have to place it.`, {
    why: 'They are placed as the official embedding scripts place them, in one user message.',
    do: 'Send an optional system text and one user message to /v1/embeddings, or /pooling of an embedding model.',
  })

/** Text parts one after the other, as vLLM joins them; undefined with an image or video. */
function plainText(content: Content): string | undefined {
  if (typeof content === 'string') return content
  const texts = content.map((part) => (part.type === 'text' ? part.text : undefined))
  return texts.includes(undefined) ? undefined : texts.join('\n')
}
