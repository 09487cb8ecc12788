// POST /tokenize and /detokenize: a text or a conversation as token ids, and back.

import { parseChatFields, parseMessages, renderConversation } from './conversation.js'
import { Fields, isList, refusal } from './fields.js'
import { parseTokenIds } from './finished-prompt.js'
import { JsonPieces } from './json-pieces.js'
import { checkText, type RequestSettings } from './request-settings.js'

export interface TokenizeBody {
  /** A conversation is rendered already. */
  text: string
  addSpecialTokens: boolean
  returnTokenStrs: boolean
}

export interface DetokenizeBody {
  tokens: readonly number[]
}

/** Throws REQUEST_SCHEMA, REQUEST_INVALID, REQUEST_TOO_LARGE, and what rendering a chat throws. */
export function parseTokenize(body: unknown, path: string, settings: RequestSettings = {}): TokenizeBody {
  const fields = new Fields(body, path)
  const returnTokenStrs = fields.boolean('return_token_strs') ?? false
  if (fields.has('messages')) return { ...parseChat(fields, settings), returnTokenStrs }
  const text = fields.string('prompt')
  if (text === undefined) throw fields.invalid('prompt', 'the text as `prompt`, or a conversation as `messages`')
  checkText(text, fields.pathOf('prompt'), settings)
  return { text, addSpecialTokens: fields.boolean('add_special_tokens') ?? true, returnTokenStrs }
}

/** @param tokens the text of each id, where it was asked for. */
export function renderTokenize(
  maxModelLen: number,
  ids: readonly number[],
  tokens: readonly string[] | undefined,
): JsonPieces {
  return new JsonPieces(function* () {
    yield `{"count":${ids.length},"max_model_len":${maxModelLen},"tokens":[`
    yield* chunks(ids)
    yield tokens === undefined ? '],"token_strs":null}' : '],"token_strs":['
    if (tokens === undefined) return
    yield* chunks(tokens)
    yield ']}'
  })
}

/** Throws REQUEST_SCHEMA. */
export function parseDetokenize(body: unknown, path: string): DetokenizeBody {
  const fields = new Fields(body, path)
  const tokens = fields.get('tokens')
  if (!isList(tokens)) throw fields.invalid('tokens', 'a list of token ids')
  return { tokens: parseTokenIds(tokens, fields.pathOf('tokens')) }
}

export const renderDetokenize = (text: string): JsonPieces =>
  new JsonPieces(() => [`{"prompt":${JSON.stringify(text)}}`])

function parseChat(fields: Fields, settings: RequestSettings): Omit<TokenizeBody, 'returnTokenStrs'> {
  refuseTools(fields)
  const path = fields.pathOf('messages')
  const messages = parseMessages(fields.get('messages'), path, settings)
  const chat = parseChatFields(fields, settings, { addGenerationPrompt: true })
  return {
    text: renderConversation({ messages, chat, path }, settings),
    addSpecialTokens: chat.addSpecialTokens,
  }
}

/** vLLM gives them to the template, which writes them into the prompt. */
function refuseTools(fields: Fields): void {
  const tools = fields.get('tools')
  if (tools === undefined || (isList(tools) && tools.length === 0)) return
  throw refusal(fields.pathOf('tools'), `\`${fields.pathOf('tools')}\` is not supported.`, {
    why: 'These models call none, and without them the tokens would be others than those asked for.',
    do: 'Leave it out.',
  })
}

/** Elements of a list in pieces: a long text has a million tokens. */
function* chunks(values: readonly (number | string)[]): Generator<string, void, undefined> {
  for (let start = 0; start < values.length; start += valuesPerPiece) {
    const text = JSON.stringify(values.slice(start, start + valuesPerPiece)).slice(1, -1)
    yield start === 0 ? text : `,${text}`
  }
}

const valuesPerPiece = 4096
