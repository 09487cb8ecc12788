// When each request is due, as vLLM plans it: all at once, in a Poisson process, in bursts, or at a growing rate.

import type { NumpyRandomState } from '../random/numpy-random-state.js'

export interface RateOptions {
  /** Requests a second; infinite sends all at once. */
  requestRate: number
  /** Shape of the gamma distribution of gaps: 1 is a Poisson process, infinite is even. */
  burstiness: number
  rampUp: RampUp | undefined
}

export interface RampUp {
  strategy: 'linear' | 'exponential'
  /** Requests a second. */
  start: number
  end: number
}

export interface Schedule {
  /** [requests] seconds after the start, ascending. */
  due: Float64Array
  /** [requests] the rate each request was planned with. */
  rates: Float64Array
}

export function planSchedule(numRequests: number, options: RateOptions, random: NumpyRandomState): Schedule {
  const { requestRate, burstiness, rampUp } = options
  const rates = Float64Array.from({ length: numRequests }, (_, index) =>
    rampUp === undefined ? requestRate : rampedRate(rampUp, numRequests === 1 ? 0 : index / (numRequests - 1)),
  )
  const due = new Float64Array(numRequests)
  let now = 0
  for (let index = 0; index < numRequests; index++) {
    now += gap(rates[index]!, burstiness, random)
    due[index] = now
  }
  // vLLM stretches the whole so that the last request is sent at its mean time.
  const stretch = rampUp === undefined && now > 0 ? numRequests / requestRate / now : 1
  return { due: due.map((seconds) => seconds * stretch), rates }
}

function rampedRate({ strategy, start, end }: RampUp, part: number): number {
  return strategy === 'linear' ? start + (end - start) * part : start * (end / start) ** part
}

/** Seconds before a request. */
function gap(rate: number, burstiness: number, random: NumpyRandomState): number {
  if (rate === Number.POSITIVE_INFINITY) return 0
  if (burstiness === Number.POSITIVE_INFINITY) return 1 / rate
  return random.gamma(burstiness, 1 / (rate * burstiness))
}
