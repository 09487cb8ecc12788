// The line of one request: what was asked, what came of it, and where the time went.

import type { RequestLine } from '../log.js'
import type { Entry } from './lines.js'

/** Answers from 500 on are the server's own failures, but for the one that says to come again later. */
const isFailure = (status: number): boolean => status >= 500 && status !== 503

export function requestEntry({
  id,
  method,
  path,
  status,
  milliseconds,
  timing,
  code,
}: RequestLine): Omit<Entry, 'time'> {
  return {
    level: isFailure(status) ? 'warning' : 'info',
    message: `${method} ${path} ${status}`,
    fields: {
      ms: tenths(milliseconds),
      code,
      items: timing.items,
      tokens: timing.promptTokens,
      cached: timing.cachedTokens,
      tokenise_ms: tenths(timing.tokeniseMs),
      queue_ms: tenths(timing.queueMs),
      run_ms: tenths(timing.runMs),
      id,
    },
  }
}

function tenths<Time extends number | undefined>(milliseconds: Time): Time | number {
  return milliseconds === undefined ? milliseconds : Math.round(milliseconds * 10) / 10
}
