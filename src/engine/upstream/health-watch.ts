// Asks a replica for its health again and again, and at once after a call failed there.

import { setTimeout as sleep } from 'node:timers/promises'
import { EitherSignal } from './either-signal.js'
import type { Replica } from './replica.js'

/** Between two questions, however many calls fail: a replica that comes back must not be flooded with them. */
const shortestPauseMs = 50

export interface WatchOptions {
  intervalMs: number
  /** After each answer, or none. */
  look(): Promise<void>
  /** Ends the watch. */
  signal: AbortSignal
}

export class HealthWatch {
  readonly replica: Replica
  /** Resolves when the signal is aborted. */
  readonly ended: Promise<void>
  #hurry = new AbortController()

  constructor(replica: Replica, options: WatchOptions) {
    this.replica = replica
    this.ended = this.#run(options)
  }

  /** Do not wait for the next turn. */
  hurry(): void {
    this.#hurry.abort()
  }

  async #run({ intervalMs, look, signal }: WatchOptions): Promise<void> {
    while (!signal.aborted) {
      await pause(Math.min(shortestPauseMs, intervalMs), signal)
      await this.#pauseUntilHurry(intervalMs - shortestPauseMs, signal)
      if (!signal.aborted) await look()
    }
  }

  async #pauseUntilHurry(ms: number, signal: AbortSignal): Promise<void> {
    using either = new EitherSignal([signal, this.#hurry.signal])
    await pause(ms, either.signal)
    this.#hurry = new AbortController()
  }
}

/** Shorter when the signal is aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(Math.max(0, ms), undefined, { signal }).catch(() => {})
