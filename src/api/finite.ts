// What no answer may hold: numbers that are not finite.

import { QvlError } from '../errors.js'

/** Throws RESULT_NOT_FINITE. */
export function checkFinite(floats: Float32Array): void {
  // NaN and infinities stay in a sum, and finite float32 numbers cannot overflow one in float64.
  let sum = 0
  for (let i = 0; i < floats.length; i++) sum += floats[i]!
  if (!Number.isFinite(sum)) throw notFinite()
}

/** Scores are sent as float32: one that overflows there is not finite either. */
export function checkFiniteScores(results: readonly { scores: readonly number[] }[]): void {
  for (const { scores } of results) checkFinite(Float32Array.from(scores))
}

export function notFinite(): QvlError {
  return new QvlError('RESULT_NOT_FINITE', {
    what: 'The model computed a number that is not finite.',
    why: 'JSON has no NaN and no infinity, and nothing could be ranked by them.',
    do: 'Check that the checkpoint is complete and unchanged.',
  })
}
