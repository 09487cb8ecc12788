// Reads what a request asks about: a string or content parts in any of the accepted forms.

import type { QvlError } from '../errors.js'
import type { Content, Part } from '../prompts/content.js'
import { Fields, invalidField, isList, isObject, refusal } from './fields.js'

const contentForms = 'a string, {"text": "…"}, {"content": […]}, {"text", "image", "video"} or a list of content parts'

const partForms = '{"type": "text", "text": "…"} or {"type": "image_url", "image_url": {"url": "…"}}'

/** Each type of part, and what it stands for. */
const partTypes = {
  text: 'text',
  input_text: 'text',
  image_url: 'image',
  input_image: 'image',
  video_url: 'video',
} as const

/**
 * One item: a string, `{content}` (vLLM), `{text}` (Cohere), `{text, image, video}` or a bare list of parts (SGLang), or
 * a single part.
 */
export function parseContent(value: unknown, path: string): Content {
  if (typeof value === 'string') return value
  if (isList(value)) return value.map((part, index) => parsePart(part, `${path}[${index}]`))
  if (!isObject(value)) throw invalidField(path, value, contentForms)
  const fields = new Fields(value, path)
  if (fields.has('role')) throw chatMessage(path)
  if (fields.has('type')) return [parsePart(value, path)]
  const content = fields.get('content')
  if (typeof content === 'string') return content
  if (isList(content)) return parseContent(content, fields.pathOf('content'))
  if (content !== undefined) throw fields.invalid('content', 'a string or a list of content parts')
  return parseByMedium(fields)
}

/** A list of items, or one item alone. */
export function parseContents(value: unknown, path: string): Content[] {
  if (!isList(value)) return [parseContent(value, path)]
  return value.map((item, index) => parseContent(item, `${path}[${index}]`))
}

/** `{text?, image?, video?}` of the official scripts, each alone or in a list. */
function parseByMedium(fields: Fields): Content {
  const texts = parseOneOrMore(fields, 'text', 'a string, or a list of strings')
  const images = parseOneOrMore(fields, 'image', 'a URL, or a list of URLs')
  const videos = parseVideos(fields)
  if (texts === undefined && images === undefined && videos === undefined) {
    throw invalidField(fields.path, fields.object, contentForms)
  }
  if (typeof texts === 'string' && images === undefined && videos === undefined) return texts
  const parts: Part[] = []
  for (const video of videos ?? []) parts.push({ type: 'video', video })
  for (const image of listOf(images)) parts.push({ type: 'image', image })
  for (const text of listOf(texts)) parts.push({ type: 'text', text })
  return parts
}

function parseOneOrMore(fields: Fields, key: string, allowed: string): string | string[] | undefined {
  const value = fields.get(key)
  if (value === undefined || typeof value === 'string') return value
  if (isList(value) && value.every(isString)) return value.filter(isString)
  throw fields.invalid(key, allowed)
}

const listOf = (value: string | string[] | undefined): string[] => (typeof value === 'string' ? [value] : (value ?? []))

const isString = (value: unknown): value is string => typeof value === 'string'

/** One video or several, each a URL or a list of those of its frames; as in the scripts, the first of a list tells which. */
function parseVideos(fields: Fields): (string | string[])[] | undefined {
  const value = fields.get('video')
  if (value === undefined) return undefined
  const videos = isList(value) && !isPicture(value[0]) ? value : [value]
  const parsed = videos.map(videoOf)
  if (parsed.length > 0 && parsed.every((video) => video !== undefined)) return parsed
  throw fields.invalid('video', 'a URL, a list of the URLs of frames, or a list of such videos')
}

function videoOf(value: unknown): string | string[] | undefined {
  if (typeof value === 'string') return value
  return isList(value) && value.length > 0 && value.every(isString) ? value.filter(isString) : undefined
}

/** Whether a reference is to an image, by its ending: it is not opened for this. */
function isPicture(reference: unknown): boolean {
  if (typeof reference !== 'string') return false
  if (/^data:/i.test(reference)) return /^data:image\//i.test(reference)
  const withoutQuery = /^https?:/i.test(reference) ? reference.replace(/[?#].*$/s, '') : reference
  return /\.(jpe?g|png|gif|bmp|webp|tiff|svg)$/i.test(withoutQuery)
}

function parsePart(value: unknown, path: string): Part {
  if (!isObject(value)) throw invalidField(path, value, partForms)
  const fields = new Fields(value, path)
  const type = fields.string('type') ?? untyped.find((key) => fields.has(key))
  if (type === undefined) throw fields.invalid('type', `one of ${partNames.map((each) => `"${each}"`).join(', ')}`)
  if (!isPartType(type)) throw unsupportedPart(fields.pathOf('type'), type)
  switch (partTypes[type]) {
    case 'text':
      return { type: 'text', text: parseText(fields) }
    case 'image':
      return { type: 'image', image: parseUrl(fields, 'image_url') }
    case 'video':
      return { type: 'video', video: frameList(parseUrl(fields, 'video_url')) }
    default:
      return partTypes[type] satisfies never
  }
}

/** vLLM knows a part without a type by these. */
const untyped = ['text', 'image_url', 'video_url'] as const

const partNames: readonly string[] = Object.keys(partTypes)

const isPartType = (type: string): type is keyof typeof partTypes => Object.hasOwn(partTypes, type)

/** vLLM's text. Tensors made by a client (image_embeds, prompt_embeds) end here too, and are not wanted. */
function unsupportedPart(path: string, type: string): QvlError {
  return refusal(
    path,
    `Unsupported chat content part type: '${type.slice(0, maxTypeLength)}'. Supported types: ${partNames.join(', ')}.`,
  )
}

/** The longest name of vLLM has 14 characters. */
const maxTypeLength = 40

function parseText(fields: Fields): string {
  const text = fields.string('text')
  if (text === undefined) throw fields.invalid('text', 'a string')
  return text
}

/** `{"url": "…"}`, or the URL itself as older clients send it. */
function parseUrl(fields: Fields, key: string): string {
  const value = fields.get(key)
  if (typeof value === 'string') return value
  const url = isObject(value) ? new Fields(value, fields.pathOf(key)).string('url') : undefined
  if (url === undefined) throw fields.invalid(key, '{"url": "…"}')
  return url
}

/** vLLM's way of sending the frames of a video: their base64 with commas between them. */
function frameList(url: string): string | string[] {
  const start = /^data:video\/jpeg(;[^,]*)?,/i.exec(url)
  if (start === null) return url
  const frames = url.slice(start[0].length).split(',')
  return frames.map((frame) => `data:image/jpeg${start[1] ?? ''},${frame}`)
}

/** Read as content it would lose its role, and with it the instruction of a system message. */
function chatMessage(path: string): QvlError {
  return refusal(path, `\`${path}\` is a chat message.`, {
    why: 'Conversations are not supported here.',
    do: `Send ${contentForms}, and the system message as \`instruction\`.`,
  })
}
