// Prompts as token ids: alone, or with the images and videos among them, as one qvl sends them to another.

import type { TokenIds } from '../engine/requests.js'
import type { MediaPart } from '../prompts/visuals.js'
import { Fields, invalidField, isList, isObject, type JsonObject } from './fields.js'

/**
 * `{"prompt_token_ids": [...], "media"?: [{"image": "URL"}, {"video": ["URL of a frame", ...]}], "second_from"?: 7}`.
 * Media stand in the order of their pad tokens. A URL may be a name in the request's `attachments`, so that an image that
 * stands in many prompts is sent once.
 */
export const isFinished = (value: unknown): value is JsonObject => isObject(value) && 'prompt_token_ids' in value

/** Throws REQUEST_SCHEMA. */
export function parseFinished(fields: Fields, body: Fields): { kind: 'tokens'; path: string } & TokenIds {
  const ids = fields.get('prompt_token_ids')
  const media = fields.get('media')
  const secondFrom = fields.integer('second_from', 0)
  if (!isList(ids) || ids.length === 0) throw fields.invalid('prompt_token_ids', 'a list of token ids')
  if (media !== undefined && !isList(media)) throw fields.invalid('media', `a list of ${mediaForms}`)
  if (secondFrom !== undefined && secondFrom >= ids.length) throw fields.invalid('second_from', 'a place among the ids')
  const attachments = new Fields(body.record('attachments') ?? {}, body.pathOf('attachments'))
  const path = fields.pathOf('media')
  const parts = (media ?? []).map((part, index) => parseMedium(part, `${path}[${index}]`, attachments))
  return {
    kind: 'tokens',
    path: fields.path,
    tokens: parseTokenIds(ids, fields.pathOf('prompt_token_ids')),
    media: parts,
    ...(secondFrom !== undefined && { secondFrom }),
  }
}

/** Throws REQUEST_SCHEMA naming the first element that is no token id. */
export function parseTokenIds(ids: readonly unknown[], path: string): number[] {
  const wrong = ids.findIndex((id) => !isTokenId(id))
  if (wrong >= 0) throw invalidField(`${path}[${wrong}]`, ids[wrong], 'token ids, which are whole numbers from 0')
  return ids.filter(isTokenId)
}

/** Ids are 32-bit numbers in every tokenizer; whether one is in the vocabulary the preparer says. */
const maxTokenId = 2 ** 31 - 1

const isTokenId = (id: unknown): id is number =>
  typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= maxTokenId

const mediaForms = '{"image": "URL"} or {"video": ["URL of a frame", ...]} for each image and video'

function parseMedium(part: unknown, path: string, attachments: Fields): MediaPart {
  if (!isObject(part)) throw invalidField(path, part, mediaForms)
  const fields = new Fields(part, path)
  const video = fields.get('video')
  if (isList(video) && video.length > 0) {
    const frames = video.map((_, index) => stringAt(video, index, fields.pathOf('video')))
    return { type: 'video', video: frames.map((name, index) => attached(name, `${path}.video[${index}]`, attachments)) }
  }
  const image = fields.string('image')
  if (image === undefined || video !== undefined) throw invalidField(path, part, mediaForms)
  return { type: 'image', image: attached(image, `${path}.image`, attachments) }
}

/** The URL that a name stands for, or what is none: a URL itself, or a path where no names are given. */
function attached(name: string, path: string, attachments: Fields): string {
  const url = attachments.string(name)
  if (url !== undefined) return url
  if (Object.keys(attachments.object).length === 0 || /^[a-z][a-z0-9+.-]*:/i.test(name)) return name
  throw invalidField(path, name, 'a name that `attachments` has, or a URL')
}

function stringAt(values: readonly unknown[], index: number, path: string): string {
  const value = values[index]
  if (typeof value === 'string') return value
  throw invalidField(`${path}[${index}]`, value, 'the URL of a frame')
}
