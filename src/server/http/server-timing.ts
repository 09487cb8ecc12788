// The Server-Timing header: where the time of a request went, as browsers and proxies read it.

import type { RouteTiming } from '../route.js'

/** Undefined when nothing was measured. Durations are in milliseconds. */
export function serverTiming({ tokeniseMs, queueMs, runMs }: RouteTiming): string | undefined {
  const parts = Object.entries({ tokenise: tokeniseMs, queue: queueMs, run: runMs })
  const measured = parts.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name};dur=${ms.toFixed(1)}`]))
  return measured.length === 0 ? undefined : measured.join(', ')
}
