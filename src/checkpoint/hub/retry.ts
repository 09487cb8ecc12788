// Trying again: pauses that grow, Retry-After honoured, an end after several tries in a row without progress.

import { setTimeout } from 'node:timers/promises'
import { TransientFailure } from './errors.js'
import type { HubLimits } from './limits.js'

export interface RetryOptions {
  limits: HubLimits
  signal: AbortSignal
  /** Told before each pause. */
  onPause?: (failure: TransientFailure, pauseMs: number) => void
  /** A number that grows as work gets done, such as bytes on disk: a try that moved it does not count as failed. */
  progress?: () => Promise<number>
}

/** Run `attempt` until it succeeds, fails for good, or `maxTries` transient failures came in a row: then throws the last. */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { limits, signal, progress } = options
  let failures = 0
  let reached = await progress?.()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TransientFailure)) throw error
      const now = await progress?.()
      failures = now !== undefined && reached !== undefined && now > reached ? 1 : failures + 1
      reached = now
      if (failures >= limits.maxTries) throw error
      const pauseMs = pauseBefore(failures, error, limits)
      options.onPause?.(error, pauseMs)
      await pause(pauseMs, signal)
    }
  }
}

/** Wait, or throw the signal's reason as soon as it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}

function pauseBefore(failures: number, failure: TransientFailure, limits: HubLimits): number {
  const asked = failure.details.retryAfterMs
  if (asked !== undefined) return Math.min(asked, limits.maxPauseMs)
  const full = Math.min(limits.backoffMs * 2 ** (failures - 1), limits.maxPauseMs)
  // Half of it random, so that many processes that were cut off together do not come back together.
  return full / 2 + (Math.random() * full) / 2
}
