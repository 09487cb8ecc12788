// The last resort against running out of memory: requests are given up, the newest first.

import { QvlError } from '../errors.js'
import type { Exchange } from './exchange.js'

/**
 * Cuts the newer half of the requests that work, the odd one included, and returns how many. The older half is nearer
 * to its end, and what it holds comes free soonest; if that is not enough, the next call cuts more.
 */
export function shedNewest(active: Iterable<Exchange>): number {
  const working = [...active].filter(({ isWork }) => isWork)
  const shed = working.slice(Math.floor(working.length / 2))
  for (const exchange of shed) exchange.cut(shedError())
  return shed.length
}

function shedError(): QvlError {
  return new QvlError('ENGINE_OVERLOADED', {
    what: 'The server gave this request up.',
    why: 'It is almost out of memory, and older requests go first.',
    do: 'Try again after the time in Retry-After.',
  })
}
