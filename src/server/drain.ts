// Leaving in order: no new work, time for what is being answered, and an answer for what does not get done.

import { setTimeout as sleep } from 'node:timers/promises'
import { QvlError } from '../errors.js'
import type { Core } from './core.js'
import type { Connections } from './http/connections.js'
import type { Listener } from './http/listener.js'
import type { Limits } from './limits.js'

export interface DrainOptions {
  limits: Limits
  /** Nobody watches readiness: a person pressed Ctrl-C. */
  skipDelay: boolean
}

/** For connections that clients have made and the server has not accepted yet: at least, and at most. */
const arrivals = { quietMs: 50, maxMs: 1_000 }

/** How often it is looked whether all is answered. */
const pollMs = 20

/** For the error answers of what is cut off to reach their clients. */
const farewellMs = 1_000

/** Resolves with the number of requests that were cut off; early when the server closes. */
export async function drain(core: Core, listener: Listener, { limits, skipDelay }: DrainOptions): Promise<number> {
  const { life, active, signal } = core
  const { server, connections } = listener
  life.become('draining', 'The server is shutting down.')
  if (!skipDelay) await pause(limits.drainDelaySeconds * 1000, signal)
  life.refuses = true
  await lastArrivals(connections, signal)
  // Accepts no more, and ends the connections that wait for nothing.
  server.close()
  await idle(core, limits.drainSeconds * 1000)
  const numCut = active.size
  for (const exchange of active) exchange.cut(shutDown(limits))
  if (numCut > 0) await idle(core, farewellMs)
  return numCut
}

/** Closing would reset them. Now they hear that the server is leaving. */
async function lastArrivals(connections: Connections, signal: AbortSignal): Promise<void> {
  const end = performance.now() + arrivals.maxMs
  let seen: number
  do {
    seen = connections.numAccepted
    await pause(arrivals.quietMs, signal)
  } while (connections.numAccepted > seen && performance.now() < end)
}

/** Resolves when nothing is being answered, or the time is over. */
async function idle({ active, signal }: Core, maxMs: number): Promise<void> {
  const end = performance.now() + maxMs
  while (active.size > 0 && performance.now() < end && !signal.aborted) await pause(pollMs, signal)
}

/** An ended pause is no error. */
const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {})

function shutDown({ drainSeconds }: Limits): QvlError {
  return new QvlError('NOT_READY', {
    what: 'The server shut down before this request was answered.',
    why: `It leaves ${drainSeconds} s to what is in flight.`,
    do: 'Try again; another --drain-timeout leaves more time.',
  })
}
