// One Ascend device: opened, given models, and opened again with all of them after it was lost.

import { setTimeout as sleep } from 'node:timers/promises'
import { QvlError } from '../../errors.js'
import { programClosed } from '../closed.js'
import { npuFailure } from './addon.js'
import type { NpuAddon, NpuDevice, NpuModel, NpuModelDescription, NpuRun, NpuRunReport } from './native.js'

export interface CardOptions {
  addon: NpuAddon
  deviceId: number
  /** Told that the device was lost, and that it is back. */
  say: (message: string) => void
}

/** Files of a compiled model. */
export interface ModelFiles {
  omPath: string
  /** Where it was compiled with weights beside it. */
  weightDir?: string
}

/** Between tries to open a lost device: the driver takes a while to reset it. Doubles from the first to the last. */
const pauseMs = { first: 1_000, last: 30_000 }

/** A lost device may never answer; what it held is then left to the driver. */
const closeMs = 10_000

export class NpuCard {
  readonly #options: CardOptions
  readonly #models = new Set<CardModel>()
  readonly #closing = new AbortController()
  /** Undefined while it is lost. */
  #device: NpuDevice | undefined
  #return: Promise<void> | undefined

  private constructor(options: CardOptions) {
    this.#options = options
  }

  /** Throws DEVICE_UNAVAILABLE, DEVICE_FAILED, DEVICE_OUT_OF_MEMORY. */
  static async open(options: CardOptions): Promise<NpuCard> {
    const card = new NpuCard(options)
    card.#device = await card.#open()
    return card
  }

  get isUp(): boolean {
    return this.#device !== undefined
  }

  /** Throws what opening throws, and DEVICE_LOST. */
  async load(files: ModelFiles): Promise<CardModel> {
    const device = this.#device
    if (device === undefined) throw this.lost()
    const native = await loadOn(device, files)
    const model = new CardModel(this, files, native)
    this.#models.add(model)
    return model
  }

  /** Called when a run says that the device is gone. */
  lose(native: NpuModel): void {
    const lost = this.#device
    // All runs in flight say so, and one of them may be from before it came back.
    if (lost === undefined || ![...this.#models].some((model) => model.native === native)) return
    this.#device = undefined
    for (const model of this.#models) model.native = undefined
    this.#return = this.#comeBack(lost)
  }

  lost(cause?: unknown): QvlError {
    return new QvlError('DEVICE_LOST', {
      what: `The NPU ${this.#options.deviceId} was lost.`,
      why: 'It stopped answering, or reported an error after which it has to be opened again.',
      do: 'Send the request again in a moment: the device is being opened again.',
      cause,
    })
  }

  forget(model: CardModel): void {
    this.#models.delete(model)
  }

  /** Closing twice is fine. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#return
    const device = this.#device
    this.#device = undefined
    await device?.close()
  }

  async #open(): Promise<NpuDevice> {
    const { addon, deviceId } = this.#options
    try {
      return await addon.open({ deviceId })
    } catch (cause) {
      throw npuFailure(cause)
    }
  }

  async #comeBack(lost: NpuDevice): Promise<void> {
    const { deviceId, say } = this.#options
    const { signal } = this.#closing
    const lostAt = performance.now()
    say(`NPU ${deviceId} was lost; opening it again.`)
    await withinTime(lost.close(), closeMs)
    for (let pause = pauseMs.first; !signal.aborted; pause = Math.min(2 * pause, pauseMs.last)) {
      const failure = await this.#openWithModels()
      if (failure === undefined) {
        say(`NPU ${deviceId} is back after ${((performance.now() - lostAt) / 1000).toFixed(1)} s.`)
        return
      }
      say(`NPU ${deviceId} cannot be opened: ${failure.message} Trying again in ${pause / 1000} s.`)
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  /** Undefined when the device and all models are there again. */
  async #openWithModels(): Promise<QvlError | undefined> {
    let device: NpuDevice | undefined
    try {
      device = await this.#open()
      const loaded = new Map<CardModel, NpuModel>()
      for (const model of this.#models) loaded.set(model, await loadOn(device, model.files))
      for (const [model, native] of loaded) {
        // It may have been closed while it was loaded.
        if (this.#models.has(model)) model.native = native
        else await native.close()
      }
      this.#device = device
      return undefined
    } catch (error) {
      await (device && withinTime(device.close(), closeMs))
      return npuFailure(error)
    }
  }
}

/** A model on a card, as long as the card is there. */
export class CardModel {
  readonly files: ModelFiles
  readonly description: NpuModelDescription
  /** Undefined while the card is lost. */
  native: NpuModel | undefined
  readonly #card: NpuCard
  #closed = false

  constructor(card: NpuCard, files: ModelFiles, native: NpuModel) {
    this.#card = card
    this.files = files
    this.native = native
    this.description = native.describe()
  }

  get isUp(): boolean {
    return this.native !== undefined
  }

  /** Throws DEVICE_LOST, DEVICE_FAILED, DEVICE_OUT_OF_MEMORY. */
  async run(run: NpuRun): Promise<NpuRunReport> {
    const { native } = this
    if (this.#closed) throw programClosed()
    if (native === undefined) throw this.#card.lost()
    try {
      return await native.run(run)
    } catch (cause) {
      const failure = npuFailure(cause)
      if (failure.code === 'DEVICE_LOST') this.#card.lose(native)
      // What was queued behind it fails with other words.
      throw native === this.native ? failure : this.#card.lost(cause)
    }
  }

  /** Waits for the runs before it. Closing twice is fine. */
  async close(): Promise<void> {
    this.#closed = true
    this.#card.forget(this)
    await this.native?.close()
  }
}

async function loadOn(device: NpuDevice, files: ModelFiles): Promise<NpuModel> {
  try {
    return await device.load(files)
  } catch (cause) {
    throw npuFailure(cause)
  }
}

/** Work that fails, or takes too long, is given up. */
async function withinTime(work: Promise<void>, ms: number): Promise<void> {
  const timeout = new AbortController()
  const settled = work.then(
    () => {},
    () => {},
  )
  await Promise.race([settled, sleep(ms, undefined, { signal: timeout.signal, ref: false }).catch(() => {})])
  timeout.abort()
}
