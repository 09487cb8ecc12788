// Reads what a request asks about: a string or content parts in any of the accepted forms, and writes it back.

import { QvlError } from '../errors.js'
import type { Content, Part } from '../prompts/content.js'
import { Fields, invalidField, isList, isObject } from './fields.js'

const contentForms = 'a string, {"text": "…"}, {"content": […]} or a list of content parts'
const partTypes = ['text', 'image_url', 'video_url'] as const

/** One item: a string, `{text}` (Cohere), `{content}` (vLLM), a bare list of parts (SGLang) or a single part. */
export function parseContent(value: unknown, path: string): Content {
  if (typeof value === 'string') return value
  if (isList(value)) return value.map((part, index) => parsePart(part, `${path}[${index}]`))
  if (!isObject(value)) throw invalidField(path, value, contentForms)
  const fields = new Fields(value, path)
  if (fields.get('role') !== undefined) throw chatMessage(path)
  if (fields.get('type') !== undefined) return [parsePart(value, path)]
  const content = fields.get('content')
  if (typeof content === 'string') return content
  if (isList(content)) return parseContent(content, fields.pathOf('content'))
  const text = content === undefined ? fields.string('text') : undefined
  if (text === undefined) throw invalidField(path, value, contentForms)
  return text
}

/** A list of items, or one item alone. */
export function parseContents(value: unknown, path: string): Content[] {
  if (!isList(value)) return [parseContent(value, path)]
  return value.map((item, index) => parseContent(item, `${path}[${index}]`))
}

/** The parts of a request as vLLM writes them. */
export function renderPart(part: Part): object {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image':
      return { type: 'image_url', image_url: { url: part.image } }
    case 'video':
      return { type: 'video_url', video_url: { url: part.video } }
    default:
      return part satisfies never
  }
}

function parsePart(value: unknown, path: string): Part {
  const fields = new Fields(value, path)
  const type = fields.oneOf('type', partTypes)
  switch (type) {
    case 'text': {
      const text = fields.string('text')
      if (text === undefined) throw fields.invalid('text', 'a string')
      return { type: 'text', text }
    }
    case 'image_url':
      return { type: 'image', image: parseUrl(fields, 'image_url') }
    case 'video_url':
      return { type: 'video', video: parseUrl(fields, 'video_url') }
    case undefined:
      throw fields.invalid('type', `one of ${partTypes.map((each) => `"${each}"`).join(', ')}`)
    default:
      return type satisfies never
  }
}

/** Read as content it would lose its role, and with it the instruction of a system message. */
function chatMessage(path: string): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: `\`${path}\` is a chat message.`,
    why: 'Conversations are not supported here.',
    do: `Send ${contentForms}, and the system message as \`instruction\`.`,
    param: path,
  })
}

/** `{"url": "…"}`, or the URL itself as older clients send it. */
function parseUrl(fields: Fields, key: string): string {
  const value = fields.get(key)
  if (typeof value === 'string') return value
  const url = isObject(value) ? new Fields(value, fields.pathOf(key)).string('url') : undefined
  if (url === undefined) throw fields.invalid(key, '{"url": "…"}')
  return url
}
