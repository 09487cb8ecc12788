// Inputs of a program as contents of the engine: bytes get names, and are kept beside the contents.

import { randomUUID } from 'node:crypto'
import { QvlError } from '../errors.js'
import type { Content, Part as ContentPart } from '../prompts/content.js'
import type { Fields, Input, MediaSource, Part } from './input.js'

/** The inputs of one call. What TypeScript would have refused is refused here: a program may be plain JavaScript. */
export class Contents {
  /** Bytes, by the names that stand for them. */
  readonly attachments = new Map<string, Uint8Array>()
  /** The same bytes twice are one image. */
  readonly #names = new Map<Uint8Array, string>()
  /** What a program passes on from its users cannot be the name of bytes. */
  readonly #prefix = `bytes-${randomUUID()}`

  /** `param` is what errors call the input. Throws REQUEST_INVALID. */
  of(input: Input, param: string): Content {
    if (typeof input === 'string') return input
    if (!isObject(input) || Array.isArray(input)) throw unfit(param, 'a text, or an object with text, image or video')
    if ('content' in input) {
      if (Object.keys(input).length > 1) throw unfit(param, 'an object with content, or with text, image and video')
      return Array.from(checkedList(input.content, param), (part) => this.#part(part, param))
    }
    const parts = partsOf(input)
    if (parts.length === 0) throw unfit(param, 'an object with at least one of text, image, video and content')
    return parts.map((part) => this.#part(part, param))
  }

  #part(part: Part, param: string): ContentPart {
    const wanted = 'an object whose parts have the type text, image or video'
    if (!isObject(part)) throw unfit(param, wanted)
    switch (part.type) {
      case 'text':
        if (typeof part.text !== 'string') throw unfit(param, 'an object whose text is a string')
        return { type: 'text', text: part.text }
      case 'image':
        return { type: 'image', image: this.#reference(part.image, param) }
      case 'video':
        return { type: 'video', video: this.#video(part.video, param) }
      default:
        part satisfies never
        throw unfit(param, wanted)
    }
  }

  #video(video: MediaSource | readonly MediaSource[], param: string): string | string[] {
    if (!isList(video)) return this.#reference(video, param)
    if (video.length === 0) throw unfit(param, 'an object whose video has at least one frame')
    return Array.from(video, (frame) => this.#reference(frame, param))
  }

  #reference(source: MediaSource, param: string): string {
    if (typeof source === 'string') return source
    if (source instanceof URL) return source.href
    if (!(source instanceof Uint8Array))
      throw unfit(param, 'an object whose media are paths, URLs or bytes in a Uint8Array')
    const known = this.#names.get(source)
    if (known !== undefined) return known
    const name = `${this.#prefix}-${this.#names.size}`
    this.#names.set(source, name)
    this.attachments.set(name, source)
    return name
  }
}

function partsOf({ text, image, video }: Fields): Part[] {
  const images = image === undefined ? [] : isList(image) ? Array.from(image) : [image]
  return [
    ...(text === undefined ? [] : [{ type: 'text', text } as const]),
    ...images.map((each) => ({ type: 'image', image: each }) as const),
    ...(video === undefined ? [] : [{ type: 'video', video } as const]),
  ]
}

/** Throws REQUEST_INVALID. */
export function checkedList<Item>(value: readonly Item[], param: string): readonly Item[] {
  if (isList(value)) return value
  throw unfit(param, 'a list')
}

export const isList = <Item, Other>(value: Other | readonly Item[]): value is readonly Item[] => Array.isArray(value)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const unfit = (param: string, wanted: string): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `\`${param}\` is not something that can be embedded or scored.`,
    why: `It has to be ${wanted}.`,
    do: 'See the type Input of this package.',
    param,
  })
