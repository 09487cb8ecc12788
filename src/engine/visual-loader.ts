// Gets the images and videos of requests: fetched, checked and measured, as prompts need them.

import { usableCores } from '../devices/cores.js'
import type { Media } from '../media/media.js'
import { maxImagesOpening, maxVideosOpening } from './limits.js'
import { loadVisuals } from './load-visuals.js'
import type { MediaOptions } from './options.js'
import { Places } from './places.js'
import type { LoadedVisuals, NamedContent } from './requests.js'

export interface VisualLoaderOptions {
  media: MediaOptions | undefined
  patches: { patchSize: number; temporalPatchSize: number; mergeSize: number }
}

export class VisualLoader {
  readonly #options: VisualLoaderOptions
  /** Shared by all requests: each file takes memory, and a connection or a process. */
  readonly #places = { image: new Places(maxImagesOpening), video: new Places(maxVideosOpening) }
  /** Opened for the first image: it brings a library that text does not need. */
  #media: Promise<Media> | undefined

  constructor(options: VisualLoaderOptions) {
    this.#options = options
  }

  /** What prompts need to know of the images, and the images. Throws MEDIA_*, REQUEST_TOO_LARGE for too many. */
  async load(
    contents: readonly NamedContent[],
    signal?: AbortSignal,
    attachments: ReadonlyMap<string, Uint8Array> = new Map(),
  ): Promise<LoadedVisuals> {
    this.#media ??= openMedia(this.#options)
    const media = await this.#media
    return loadVisuals(contents, { media, places: this.#places, attachments, signal, options: this.#options.media })
  }

  async close(): Promise<void> {
    await (await this.#media)?.close()
  }
}

/** sharp and undici are loaded only where an image is. */
async function openMedia({ media = {}, patches }: VisualLoaderOptions): Promise<Media> {
  const [{ Media }, { MediaFetcher }, { AddressRules, parseNetworks }, { readReference }, resize, sampling] =
    await Promise.all([
      import('../media/media.js'),
      import('../media/fetch.js'),
      import('../media/addresses.js'),
      import('../media/references.js'),
      import('../media/smart-resize.js'),
      import('../media/sampling.js'),
    ])
  const fetcher = new MediaFetcher({
    allowedDomains: media.allowedDomains ?? [],
    addresses: new AddressRules(parseNetworks(media.allowedNetworks ?? [])),
    maxRedirects: 3,
    connectTimeoutMs: 5_000,
    totalTimeoutMs: media.fetchTimeoutMs ?? 15_000,
  })
  const local = { roots: media.localRoots ?? [], base: media.localBase }
  return new Media({
    layout: patches,
    image: { ...resize.imageLimits, ...media.image },
    sampling: { ...sampling.officialSampling, ...media.video },
    ffmpeg: media.ffmpeg ?? 'ffmpeg',
    maxWorkers: Math.max(1, Math.min(4, usableCores())),
    read: (reference, kind, signal) => readReference(reference, kind, { fetcher, local }, signal),
    onClose: () => fetcher.close(),
  })
}
