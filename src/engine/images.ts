// Images and videos of requests: loaded when a prompt is made, and turned into feature rows before it is queued.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { usableCores } from '../devices/cores.js'
import type { LoadedProgram } from '../devices/device.js'
import { QvlError } from '../errors.js'
import type { Media } from '../media/media.js'
import type { Visual } from '../media/visual.js'
import type { VisionModel, VisualFeatures } from '../models/model.js'
import { defaultVisualCacheBytes, maxImagesOpening, maxPatchesPerRun, maxVideosOpening } from './limits.js'
import { loadVisuals } from './load-visuals.js'
import { named } from './named-error.js'
import type { MediaOptions } from './options.js'
import { Places } from './places.js'
import type { TreeSequence } from './prefix-tree.js'
import type { LoadedVisuals, NamedContent, Sequence } from './requests.js'
import type { Turns } from './turns.js'
import { VisionRunner } from './vision.js'
import { resolveVisuals } from './visual-rows.js'

export interface ImagesOptions {
  model: VisionModel
  /** Loads the tower; called once, for the first image. */
  loadTower: () => Promise<LoadedProgram>
  /** The tower and the decoder share the machine in turn, where they share it. */
  turns: Pick<Turns, 'take'>
  /** Devices that the tower is loaded on. */
  numLanes: number
  media: MediaOptions | undefined
  patches: { patchSize: number; temporalPatchSize: number; mergeSize: number }
}

export class Images {
  readonly #options: ImagesOptions
  readonly #runner: VisionRunner
  /** Shared by all requests: each file takes memory, and a connection or a process. */
  readonly #places = { image: new Places(maxImagesOpening), video: new Places(maxVideosOpening) }
  #tower: Promise<LoadedProgram> | undefined
  /** Opened for the first image: it brings a library that text does not need. */
  #media: Promise<Media> | undefined

  constructor(options: ImagesOptions) {
    this.#options = options
    const { model, turns, numLanes, media } = options
    this.#runner = new VisionRunner({
      model,
      device: { run: (inputs) => turns.take(async () => (await this.#loadTower()).run(inputs)), numLanes },
      maxPatches: maxPatchesPerRun,
      maxBytes: media?.cacheBytes ?? defaultVisualCacheBytes,
    })
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

  /** Sequences with the features of their images. */
  async resolve(
    sequences: readonly Sequence[],
    visuals: ReadonlyMap<string, Visual>,
    signal?: AbortSignal,
  ): Promise<TreeSequence[]> {
    const keys = new Set(sequences.flatMap((sequence) => sequence.visuals?.map(({ facts }) => facts.key) ?? []))
    const features = await this.#featuresOf([...keys], visuals, signal)
    const featuresOf = (key: string): VisualFeatures => features.get(key)!
    const resolved: TreeSequence[] = []
    let tokens = 0
    for (const { visuals: placed, ...sequence } of sequences) {
      const { ids } = sequence
      resolved.push(placed ? { ...sequence, visual: resolveVisuals({ ids, visuals: placed }, featuresOf) } : sequence)
      tokens += ids.length
      if (tokens < tokensPerTurn) continue
      tokens = 0
      await nextTurn()
    }
    return resolved
  }

  /** Loads the tower, unless nothing may go through it. */
  async warmUp(): Promise<void> {
    const { image, video } = this.#options.media?.limitPerPrompt ?? {}
    if (image !== 0 || video !== 0) await this.#loadTower()
  }

  report(): ReturnType<VisionRunner['report']> {
    return this.#runner.report()
  }

  async close(): Promise<void> {
    await this.#runner.idle()
    await (await this.#media)?.close()
    await (await this.#tower?.catch(() => undefined))?.close()
  }

  /** All of them are asked for before one is waited for, so that they go through the tower together. */
  async #featuresOf(
    keys: readonly string[],
    visuals: ReadonlyMap<string, Visual>,
    signal: AbortSignal | undefined,
  ): Promise<Map<string, VisualFeatures>> {
    const computed: Promise<readonly [string, VisualFeatures]>[] = []
    for (const [index, key] of keys.entries()) {
      const one = this.#feature(visuals.get(key), signal).then((each) => [key, each] as const)
      // It is awaited below; until then a failure must not count as unhandled.
      one.catch(() => undefined)
      computed.push(one)
      if ((index + 1) % keysPerTurn === 0) await nextTurn()
    }
    return new Map(await Promise.all(computed))
  }

  async #feature(visual: Visual | undefined, signal: AbortSignal | undefined): Promise<VisualFeatures> {
    if (visual === undefined) throw new QvlError('INTERNAL', { what: 'A task names an image that was not loaded.' })
    try {
      return await this.#runner.features(visual, signal)
    } catch (error) {
      throw named(error, visual.param)
    }
  }

  #loadTower(): Promise<LoadedProgram> {
    this.#tower ??= this.#options.loadTower().catch((error: unknown) => {
      // A device that was lost meanwhile comes back.
      this.#tower = undefined
      throw error
    })
    return this.#tower
  }
}

/** Images asked for before the event loop gets a turn. */
const keysPerTurn = 256

/** Tokens placed before the event loop gets a turn: a few milliseconds of work. */
const tokensPerTurn = 100_000

/** sharp and undici are loaded only where an image is. */
async function openMedia({ media = {}, patches }: ImagesOptions): Promise<Media> {
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
