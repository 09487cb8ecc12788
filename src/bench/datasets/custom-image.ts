// Dataset `custom_image`: prompts with images from a file.

import { unknownLength } from './custom.js'
import { imagePart } from './image-part.js'
import { oversampled, type PickOptions, shuffled, wantedRows } from './pick.js'
import type { BenchRequest, ContentPart, MediaPart } from './request.js'
import { invalidRow, isRecord, type Row, readRows } from './rows.js'
import type { BenchTokenizer } from './tokenizer.js'

export interface CustomImageOptions extends PickOptions {
  path: string
  /** Send images themselves rather than where they are. */
  ensureClientSideData: boolean
  signal: AbortSignal | undefined
}

type ToImage = (reference: string) => Promise<MediaPart & { type: 'image_url' }>

/** Throws INPUT_UNREADABLE, and REQUEST_INVALID for a row that cannot be used. */
export async function customImageRequests(
  tokenizer: BenchTokenizer | undefined,
  options: CustomImageOptions,
): Promise<BenchRequest[]> {
  const rows = await readRows(options.path, options.signal)
  const wanted = wantedRows(rows, options)
  const toImage: ToImage = (reference) => imagePart(reference, options)
  const requests: BenchRequest[] = []
  for (const row of shuffled(rows, options).slice(0, wanted)) {
    const request =
      'content' in row.fields ? orderedContent(row, options.path, toImage) : filesAndPrompt(row, options.path, toImage)
    const { text, ...rest } = await request
    requests.push({ prompt: text, promptLen: tokenizer?.count(text) ?? unknownLength, ...rest })
  }
  return oversampled(requests, wanted, options)
}

/** `{prompt, image_files: […]}`. */
async function filesAndPrompt(
  { line, fields }: Row,
  path: string,
  toImage: ToImage,
): Promise<{ text: string; media: readonly MediaPart[] }> {
  const { prompt, image_files: files } = fields
  if (typeof prompt !== 'string' || !isStrings(files) || files.length === 0) {
    throw invalidRow(path, line, 'It needs a string `prompt` and a list `image_files` that is not empty, or `content`.')
  }
  return { text: prompt, media: await Promise.all(files.map(toImage)) }
}

/** `{content: [text and image parts]}`. */
async function orderedContent(
  { line, fields }: Row,
  path: string,
  toImage: ToImage,
): Promise<{ text: string; content: readonly ContentPart[] }> {
  const parts: unknown = fields.content
  if (!Array.isArray(parts) || parts.length === 0) {
    throw invalidRow(path, line, '`content` must be a list of parts that is not empty.')
  }
  const content = await Promise.all(
    parts.map(async (part: unknown) => {
      const known = await contentPart(part, toImage)
      if (known !== undefined) return known
      throw invalidRow(
        path,
        line,
        'A part of `content` is {type: text, text}, {type: image, image} or {type: image_url, image_url}.',
      )
    }),
  )
  return { text: content.map((part) => (part.type === 'text' ? part.text : '')).join(''), content }
}

async function contentPart(part: unknown, toImage: ToImage): Promise<ContentPart | undefined> {
  if (!isRecord(part)) return undefined
  const { type, text, image, image_url: target } = part
  if (type === 'text' && typeof text === 'string') return { type, text }
  if (type === 'image' && typeof image === 'string') return toImage(image)
  if (type !== 'image_url') return undefined
  if (typeof target === 'string') return toImage(target)
  if (!isRecord(target) || typeof target.url !== 'string') return undefined
  const { image_url } = await toImage(target.url)
  return { type, image_url: { ...target, url: image_url.url } }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
