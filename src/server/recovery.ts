// After a batch has failed: finds out whether the engine works, and takes the server out of service while it does not.

import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchReport, Engine } from '../engine/requests.js'
import { asQvlError } from '../errors.js'
import type { Life } from './life.js'
import type { Log } from './log.js'

export interface Recovery {
  batchEnded(report: BatchReport): void
}

/** Doubles from the first to the last. */
const pauseMs = { first: 1_000, last: 30_000 }

interface RecoveryOptions {
  engine: () => Engine | undefined
  life: Life
  log: Log
  /** Aborted when the server closes. */
  signal: AbortSignal
}

/** One item that cannot be computed fails a batch too; then the next batch succeeds, and nothing changes. */
export function openRecovery({ engine, life, log, signal }: RecoveryOptions): Recovery {
  let running = false
  async function recover(opened: Engine): Promise<void> {
    for (let pause = pauseMs.first; !signal.aborted; pause = Math.min(2 * pause, pauseMs.last)) {
      const error = await opened.warmUp().then(() => undefined, asQvlError)
      if (error === undefined) return recovered()
      if (signal.aborted) return
      log.failed(error)
      life.become('failed', 'The last batch failed, and so did a test after it.')
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
    }
  }
  function recovered(): void {
    if (life.state !== 'failed') return
    log.info('The engine works again.')
    life.become('ready', 'The engine works again.')
  }
  return {
    batchEnded({ failed }) {
      const opened = engine()
      if (!failed || running || opened === undefined) return
      running = true
      void recover(opened).finally(() => {
        running = false
      })
    },
  }
}
