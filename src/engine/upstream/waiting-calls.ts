// Calls that wait for a replica with room, oldest first, and which replica each gets.

import type { Replica } from './replica.js'

export interface Wanted {
  tokens: number
  /** What is sent only another qvl understands. */
  needsQvl: boolean
  /** Where the call failed last. */
  failed: Replica | undefined
  /** When it first failed, or found no replica that answers; by performance.now(). */
  troubleSince: number | undefined
}

interface Waiting {
  wanted: Wanted
  settle(replica: Replica | undefined): void
}

export class WaitingCalls {
  readonly #replicas: readonly Replica[]
  readonly #patience: number
  readonly #waiting = new Set<Waiting>()

  /** `patience`: as in FleetTimes. */
  constructor(replicas: readonly Replica[], patience: number) {
    this.#replicas = replicas
    this.#patience = patience
  }

  /**
   * A replica in which the call is counted already; the caller gives it back, and calls `serve`. Undefined when its patience
   * is over: none was ready, or all failed. Rejects with the reason of the signal.
   */
  take(wanted: Wanted, signal: AbortSignal): Promise<Replica | undefined> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const leave = (): void => {
        this.#waiting.delete(waiting)
        reject(signal.reason)
      }
      const settle = (replica: Replica | undefined): void => {
        this.#waiting.delete(waiting)
        signal.removeEventListener('abort', leave)
        resolve(replica)
      }
      const waiting = { wanted, settle }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.add(waiting)
      this.serve()
    })
  }

  /**
   * To be called whenever there may be room. Places are given here, in one step with the count, and not by waking a call
   * that then looks for itself: that one may be gone, or need another replica, and the room would stay empty.
   */
  serve(): void {
    const now = performance.now()
    for (const waiting of this.#waiting) {
      const ready = this.#replicas.filter(({ isHealthy }) => isHealthy)
      const isWell = ready.some(({ isFailing }) => !isFailing)
      if (isWell && !ready.some((replica) => replica.hasRoom(now))) return
      this.#serveOne(waiting, ready, now)
    }
  }

  #serveOne({ wanted, settle }: Waiting, ready: readonly Replica[], now: number): void {
    const able = ready.filter(({ isQvl }) => isQvl || !wanted.needsQvl)
    const replica = leastBusy(preferred(able, wanted, now), now)
    if (replica !== undefined) {
      replica.take(wanted.tokens)
      settle(replica)
      return
    }
    const isTrouble = able.every(({ isFailing }) => isFailing)
    if (isTrouble) wanted.troubleSince ??= now
    else if (wanted.failed === undefined) wanted.troubleSince = undefined
    if (isTrouble && now - (wanted.troubleSince ?? now) >= this.#patience) settle(undefined)
  }
}

function preferred(able: readonly Replica[], { failed }: Wanted, now: number): readonly Replica[] {
  const better = able.filter((replica) => replica !== failed && !replica.isSlow(now))
  return better.length > 0 ? better : able
}

function leastBusy(replicas: readonly Replica[], now: number): Replica | undefined {
  const free = replicas.filter((replica) => replica.hasRoom(now))
  return free.reduce<Replica | undefined>(
    (least, each) => (least === undefined || each.outstandingTokens < least.outstandingTokens ? each : least),
    undefined,
  )
}
