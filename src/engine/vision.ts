// Image features: each image goes through the vision tower once, and what came out is kept for the next request.

import type { LoadedProgram } from '../devices/device.js'
import { isLost } from '../devices/lost.js'
import { asQvlError, QvlError } from '../errors.js'
import type { Visual } from '../media/visual.js'
import type { Patches, VisionModel, VisualFeatures } from '../models/model.js'
import type { VisualsReport } from './requests.js'

export interface VisionOptions {
  model: VisionModel
  device: Pick<LoadedProgram, 'run' | 'numLanes'>
  /** Patches computed in one run; a larger image or video runs alone. */
  maxPatches: number
  /** Memory for features that nobody waits for any more (`--mm-processor-cache-gb`); 0 keeps none. */
  maxBytes: number
}

/** What the tower needs of an image or video. */
export type Seen = Pick<Visual, 'key' | 'grid' | 'patches'>

interface Entry {
  visual: Seen
  features: Promise<VisualFeatures>
  /** Known once they are computed. */
  bytes: number
  /** Who still waits; nobody left means that it need not run. */
  numWaiting: number
  resolve(features: VisualFeatures): void
  reject(error: unknown): void
}

/** Patches of the next run are cut while the tower computes; more would only take memory. */
type Loaded = { entry: Entry; patches: Patches }

export class VisionRunner {
  readonly #options: VisionOptions
  /** By key, least recently used first. */
  readonly #entries = new Map<string, Entry>()
  readonly #waiting: Entry[] = []
  readonly #report = { queries: 0, hits: 0 }
  #usedBytes = 0
  #running: Promise<void> | undefined
  #wake: () => void = () => {}

  constructor(options: VisionOptions) {
    this.#options = options
  }

  /** The features of an image or video. Rejects with MEDIA_*, ENGINE_ITEM_FAILED, DEVICE_LOST or the signal's reason. */
  features(visual: Seen, signal?: AbortSignal): Promise<VisualFeatures> {
    this.#report.queries++
    const known = this.#entries.get(visual.key)
    if (known !== undefined) this.#report.hits++
    const entry = known ?? this.#enter(visual)
    // The order of the map is the order of use.
    this.#entries.delete(visual.key)
    this.#entries.set(visual.key, entry)
    return waitFor(entry, signal)
  }

  report(): VisualsReport {
    return { ...this.#report, usedBytes: this.#usedBytes }
  }

  /** Resolves when nothing is left to run. */
  async idle(): Promise<void> {
    await this.#running
  }

  #enter(visual: Seen): Entry {
    const { promise: features, resolve, reject } = withResolvers<VisualFeatures>()
    // Whoever waits hears of it; that nobody may wait any more is no defect.
    features.catch(() => undefined)
    const entry: Entry = { visual, features, bytes: 0, numWaiting: 0, resolve, reject }
    this.#waiting.push(entry)
    this.#wake()
    this.#running ??= this.#run()
    return entry
  }

  /** Images are decoded for the next run while the tower computes one on each of its lanes. */
  async #run(): Promise<void> {
    await Promise.resolve()
    const { numLanes = 1 } = this.#options.device
    const computing = new Set<Promise<void>>()
    let ahead = this.#load()
    while (ahead !== undefined || computing.size > 0) {
      const loaded = await ahead
      ahead = this.#load()
      if (loaded !== undefined) {
        const computed = this.#compute(loaded).then(() => void computing.delete(computed))
        computing.add(computed)
      }
      if (computing.size >= numLanes) await Promise.race(computing)
      else if (ahead === undefined) await Promise.race([...computing, this.#entered()])
      ahead ??= this.#load()
    }
    this.#running = undefined
  }

  /** Resolves when another image is asked for: a lane that has nothing to do starts at once. */
  #entered(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Takes what fits into one run, and cuts it into patches. Undefined when nothing waits. */
  #load(): Promise<Loaded[]> | undefined {
    const taken: Entry[] = []
    let patches = 0
    while (this.#waiting.length > 0) {
      const entry = this.#waiting[0]!
      const [time, height, width] = entry.visual.grid
      patches += time * height * width
      if (taken.length > 0 && patches > this.#options.maxPatches) break
      this.#waiting.shift()
      if (entry.numWaiting > 0) taken.push(entry)
      else this.#fail(entry, notWanted())
    }
    return taken.length === 0
      ? undefined
      : Promise.all(taken.map((entry) => this.#cut(entry))).then((all) => all.flat())
  }

  /** An image that cannot be decoded fails alone. */
  async #cut(entry: Entry): Promise<Loaded[]> {
    try {
      return [{ entry, patches: await entry.visual.patches() }]
    } catch (error) {
      this.#fail(entry, error)
      return []
    }
  }

  /** When a run of several fails, each is tried alone: one must not take the others with it. */
  async #compute(loaded: readonly Loaded[]): Promise<void> {
    if (loaded.length === 0) return
    const { model, device } = this.#options
    try {
      const images = loaded.map(({ patches }) => patches)
      const outputs = await device.run(await model.inputs(images))
      const features = model.features(
        outputs,
        images.map(({ grid }) => grid),
      )
      for (const [index, { entry }] of loaded.entries()) this.#keep(entry, features[index]!)
    } catch (error) {
      if (loaded.length === 1 || isLost(error)) for (const { entry } of loaded) this.#fail(entry, itemFailed(error))
      else for (const one of loaded) await this.#compute([one])
    }
  }

  #keep(entry: Entry, features: VisualFeatures): void {
    entry.resolve(features)
    entry.bytes = bytesOf(features)
    this.#usedBytes += entry.bytes
    for (const [key, oldest] of this.#entries) {
      if (this.#usedBytes <= this.#options.maxBytes) break
      // Entries that are still to be computed take no memory here.
      if (oldest.bytes > 0) this.#forget(key, oldest)
    }
  }

  /** A failure is not kept: the next request tries again. */
  #fail(entry: Entry, error: unknown): void {
    this.#forget(entry.visual.key, entry)
    entry.reject(error)
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key)
    this.#usedBytes -= entry.bytes
    entry.bytes = 0
  }
}

async function waitFor(entry: Entry, signal: AbortSignal | undefined): Promise<VisualFeatures> {
  signal?.throwIfAborted()
  entry.numWaiting++
  if (signal === undefined) return entry.features
  const { promise: left, reject } = withResolvers<never>()
  const leave = (): void => {
    entry.numWaiting--
    reject(signal.reason)
  }
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([entry.features, left])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

const bytesOf = ({ main, deepstack }: VisualFeatures): number =>
  deepstack.reduce((sum, { byteLength }) => sum + byteLength, main.byteLength)

function itemFailed(error: unknown): QvlError {
  if (isLost(error)) return error
  const own = asQvlError(error)
  return new QvlError('ENGINE_ITEM_FAILED', {
    what: 'An image could not be computed.',
    why: own.code === 'DEVICE_OUT_OF_MEMORY' ? 'Memory ran out, even for it alone.' : 'The device failed on it.',
    do: 'Send it smaller, or report it with the image.',
    cause: error,
  })
}

const notWanted = (): QvlError => new QvlError('CANCELLED', { what: 'Nobody waits for this image any more.' })

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<Value>() {
  let resolve: (value: Value) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}
