// A draft that waits for its images: what brings it to another thread, and what is needed to load them meanwhile.

import { randomUUID } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import { naming } from '../../engine/named-error.js'
import type { NamedContent } from '../../engine/requests.js'
import { isDataUrl, readDataUrl } from '../../media/data-url.js'
import { maxFileBytes } from '../../media/references.js'
import type { Content, Part } from '../../prompts/content.js'
import { mediaParts } from '../../prompts/visuals.js'
import type { Draft } from './draft.js'
import { sidesOf, withContents } from './draft-sides.js'
import type { JsonTexts } from './json-texts.js'

export interface Drafted {
  /** The draft without its texts, with short names in place of data URLs. */
  draft: Uint8Array<ArrayBuffer>
  /** What has to be loaded, without the texts around it. */
  contents: readonly NamedContent[]
  /** What the data URLs held, by the names that stand for them. */
  attachments: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  texts: Pick<JsonTexts, 'bytes' | 'ends'> | undefined
}

export const needsMedia = (draft: Draft): boolean =>
  sidesOf(draft).some(({ content }) => mediaParts(content).length > 0)

/** Throws REQUEST_INVALID and MEDIA_TOO_LARGE for data URLs, naming the item. */
export function toDrafted(draft: Draft): Drafted {
  const attachments = new Attachments()
  const small = withContents(draft, (content, param) => naming(param, () => attachments.take(content)))
  const { texts, ...rest } = { texts: undefined, ...small }
  const contents = sidesOf(small).flatMap(({ content, param, settings }) => {
    const parts = mediaParts(content)
    return parts.length === 0 ? [] : [{ content: parts, param, settings }]
  })
  return {
    draft: new Uint8Array(serialize(rest)),
    contents,
    attachments: attachments.bytes,
    texts: texts && { bytes: texts.bytes, ends: texts.ends },
  }
}

/** The draft that a Drafted brought, without its texts. */
// What was serialized here was a draft.
export const draftOf = (bytes: Uint8Array): Draft => deserialize(bytes) as Draft

/** What may change hands without a copy. */
export function buffersOf({ draft, attachments, texts }: Drafted): ArrayBuffer[] {
  const own = texts === undefined ? [] : [texts.bytes.buffer, texts.ends.buffer]
  return [draft.buffer, ...own, ...[...attachments.values()].map(({ buffer }) => buffer)]
}

/** Data URLs as bytes, each once. */
class Attachments {
  readonly bytes = new Map<string, Uint8Array<ArrayBuffer>>()
  /** Nobody can guess it, so no request can name an attachment. */
  readonly #secret = randomUUID()
  readonly #names = new Map<string, string>()

  /** The content with names in place of its data URLs. */
  take(content: Content): Content {
    return typeof content === 'string' ? content : content.map((part) => this.#takePart(part))
  }

  #takePart(part: Part): Part {
    switch (part.type) {
      case 'text':
        return part
      case 'image':
        return { ...part, image: this.#name(part.image, 'image') }
      case 'video':
        return typeof part.video === 'string'
          ? { ...part, video: this.#name(part.video, 'video') }
          : { ...part, video: part.video.map((frame) => this.#name(frame, 'image')) }
      default:
        return part satisfies never
    }
  }

  #name(reference: string, kind: 'image' | 'video'): string {
    if (!isDataUrl(reference)) return reference
    const known = this.#names.get(reference)
    if (known !== undefined) return known
    const name = `attachment:${this.#secret}-${this.#names.size}`
    // Small contents share their memory with others, and could not change hands.
    this.bytes.set(name, new Uint8Array(readDataUrl(reference, maxFileBytes[kind])))
    this.#names.set(reference, name)
    return name
  }
}
