// Notices an engine that has stopped working: work is waiting, and no batch has ended for far too long.

import type { BatchReport, EngineLoad } from '../engine/requests.js'
import type { Liveness } from './route.js'

/** A restart loses everything that waits, so the watchdog is slow to speak. */
const patience = { batches: 10, atLeastSeconds: 60 }

/** Enough for a percentile, and soon forgotten. */
const keptBatches = 128

export interface Watchdog extends Liveness {
  batchEnded(report: BatchReport): void
  /** Takes a look; to be called about once a second. */
  look(): void
}

/** `load` is undefined until there is an engine; `now` gives seconds on a monotonic clock. */
export function openWatchdog(load: () => EngineLoad | undefined, now: () => number = monotonic): Watchdog {
  const seconds: number[] = []
  let progressAt = now()
  let complaint: string | undefined
  return {
    batchEnded(report) {
      progressAt = now()
      seconds.push(report.seconds)
      if (seconds.length > keptBatches) seconds.shift()
    },
    look() {
      const { waitingTokens = 0, runningTokens = 0 } = load() ?? {}
      if (waitingTokens + runningTokens === 0) progressAt = now()
      const waited = now() - progressAt
      const allowed = Math.max(patience.atLeastSeconds, patience.batches * percentile99(seconds))
      complaint = waited > allowed ? `Work is waiting, and no batch has ended for ${Math.floor(waited)} s.` : undefined
    },
    get ok() {
      return complaint === undefined
    },
    get why() {
      return complaint ?? 'The engine makes progress or has nothing to do.'
    },
  }
}

const monotonic = (): number => performance.now() / 1000

function percentile99(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(0.99 * sorted.length) - 1] ?? 0
}
