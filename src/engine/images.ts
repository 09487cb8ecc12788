// Images and videos of requests: loaded when a prompt is made, and turned into feature rows before it is queued.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LoadedProgram } from '../devices/device.js'
import { QvlError } from '../errors.js'
import type { Visual } from '../media/visual.js'
import type { VisionModel, VisualFeatures } from '../models/model.js'
import { defaultVisualCacheBytes, maxPatchesPerRun } from './limits.js'
import { named } from './named-error.js'
import type { TreeSequence } from './prefix-tree.js'
import type { LoadedVisuals, Sequence } from './requests.js'
import type { Turns } from './turns.js'
import { VisionRunner } from './vision.js'
import { VisualLoader, type VisualLoaderOptions } from './visual-loader.js'
import { resolveVisuals } from './visual-rows.js'

export interface ImagesOptions extends VisualLoaderOptions {
  model: VisionModel
  /** Loads the tower; called once, for the first image. */
  loadTower: () => Promise<LoadedProgram>
  /** The tower and the decoder share the machine in turn, where they share it. */
  turns: Pick<Turns, 'take'>
  /** Devices that the tower is loaded on. */
  numLanes: number
}

export class Images {
  readonly #options: ImagesOptions
  readonly #runner: VisionRunner
  #tower: Promise<LoadedProgram> | undefined
  readonly #loader: VisualLoader

  constructor(options: ImagesOptions) {
    this.#options = options
    const { model, turns, numLanes, media } = options
    this.#loader = new VisualLoader(options)
    this.#runner = new VisionRunner({
      model,
      device: { run: (inputs) => turns.take(async () => (await this.#loadTower()).run(inputs)), numLanes },
      maxPatches: maxPatchesPerRun,
      maxBytes: media?.cacheBytes ?? defaultVisualCacheBytes,
    })
  }

  /** Throws as VisualLoader.load. */
  load(...asked: Parameters<VisualLoader['load']>): Promise<LoadedVisuals> {
    return this.#loader.load(...asked)
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
    await this.#loader.close()
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
