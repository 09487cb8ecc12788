// Tells how far a benchmark is, a few times a second while it runs.

import type { LoadRun } from '../bench/load/run.js'
import { percentile } from '../bench/statistics.js'
import type { Progress } from './progress.js'

/** As often as cli-progress draws. */
const intervalMs = 100

export interface RunWatch {
  start(run: LoadRun): void
  stop(): void
}

export function watchRun({ progress, isQuiet }: { progress: Progress; isQuiet: boolean }): RunWatch {
  let timer: NodeJS.Timeout | undefined
  return {
    start(run) {
      if (isQuiet) return
      timer = setInterval(() => tell(progress, run), intervalMs)
    },
    stop() {
      clearInterval(timer)
      progress.clear()
    },
  }
}

function tell(progress: Progress, { records, elapsedMs }: LoadRun): void {
  const recent = records.recentLatencies()
  const { numRequests: total, numEnded: ended, numFailed: failed, numRunning: running, totalTokens: tokens } = records
  const latencies = recent.length === 0 ? undefined : { p50: percentile(recent, 50), p99: percentile(recent, 99) }
  progress.load({ total, ended, failed, running, tokens, elapsedMs, latencies })
}
