// Images and videos as replicas get them: the pixels that the model looks at, as PNG, so that nothing is resized again.

import { encodePng } from '../../media/encode.js'
import type { Visual } from '../../media/visual.js'

/** The `data:` URLs of one image, or of the frames of a video. */
type Urls = readonly string[]

interface Entry {
  urls: Promise<Urls>
  /** Known once they are encoded. */
  bytes: number
}

/** Those used last are kept, as much as `maxBytes`. */
export class EncodedVisuals {
  readonly #maxBytes: number
  /** By key, least recently used first. */
  readonly #entries = new Map<string, Entry>()
  #usedBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Rejects with MEDIA_*. */
  async of(visual: Visual): Promise<Urls> {
    const known = this.#entries.get(visual.key)
    const entry = known ?? { urls: encode(visual), bytes: 0 }
    this.#entries.delete(visual.key)
    this.#entries.set(visual.key, entry)
    try {
      const urls = await entry.urls
      if (known === undefined) this.#count(entry, urls)
      return urls
    } catch (error) {
      // The next request tries again.
      if (this.#entries.get(visual.key) === entry) this.#entries.delete(visual.key)
      throw error
    }
  }

  #count(entry: Entry, urls: Urls): void {
    entry.bytes = urls.reduce((sum, { length }) => sum + length, 0)
    this.#usedBytes += entry.bytes
    for (const [key, oldest] of this.#entries) {
      if (this.#usedBytes <= this.#maxBytes) return
      // Entries that are being encoded take no memory yet.
      if (oldest.bytes === 0) continue
      this.#entries.delete(key)
      this.#usedBytes -= oldest.bytes
    }
  }
}

async function encode(visual: Visual): Promise<Urls> {
  const urls: string[] = []
  for (const picture of await visual.pictures()) {
    const png = await encodePng(picture)
    urls.push(`data:image/png;base64,${Buffer.from(png).toString('base64')}`)
  }
  return urls
}
