// What comes before the run: a first request that must succeed, and requests that warm the server up.

import { setTimeout as sleep } from 'node:timers/promises'
import { QvlError } from '../errors.js'
import { readyIntervalSec } from './limits.js'
import type { Exchange } from './load/exchange.js'
import { LoadRun } from './load/run.js'
import type { Target } from './load/target.js'

export interface FirstRequest {
  target: Target
  body: Buffer | string
  signal: AbortSignal
}

/** Sends real requests until one succeeds. Throws NOT_READY after `timeoutSec`, and the reason of the signal. */
export async function waitUntilReady(first: FirstRequest, timeoutSec: number): Promise<void> {
  const deadline = performance.now() + 1000 * timeoutSec
  for (;;) {
    const { failure } = await sendOnce(first, deadline)
    if (failure === undefined) return
    if (performance.now() + 1000 * readyIntervalSec > deadline) {
      const said = failure.detail === undefined ? '' : `: ${failure.detail}`
      throw new QvlError('NOT_READY', {
        what: `Initial test run failed - Please make sure benchmark arguments are correctly specified. Error: ${failure.kind}${said}`,
        why: `No request to ${first.target.url} succeeded within ${timeoutSec} seconds.`,
        do: 'Check the address, the model and the backend, or give --ready-check-timeout-sec more time.',
      })
    }
    await sleep(1000 * readyIntervalSec, undefined, { signal: first.signal }).catch(() => {})
    first.signal.throwIfAborted()
  }
}

/** Copies of the first request. Returns how many failed; throws the reason of the signal. */
export async function warmUp(
  { target, body, signal }: FirstRequest,
  numWarmups: number,
  maxConcurrency: number | undefined,
): Promise<number> {
  const due = new Float64Array(numWarmups)
  const run = new LoadRun({ target, numRequests: numWarmups, bodyOf: () => body, due, maxConcurrency, signal })
  await run.run()
  signal.throwIfAborted()
  return run.records.numFailed
}

function sendOnce({ target, body, signal }: FirstRequest, deadline: number): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const exchange = target.send(0, body, (ended) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve(ended)
    })
    const timer = setTimeout(() => exchange.giveUp({ kind: 'timeout' }), Math.max(0, deadline - performance.now()))
    const stop = (): void => {
      clearTimeout(timer)
      exchange.drop()
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
  })
}
