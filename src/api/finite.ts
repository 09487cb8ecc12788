// What no answer may hold: numbers that are not finite.

import { QvlError } from '../errors.js'

/** Throws RESULT_NOT_FINITE. */
export function checkFinite(floats: Float32Array | readonly number[]): void {
  for (let i = 0; i < floats.length; i++) if (!Number.isFinite(floats[i])) throw notFinite()
}

/** Scores are sent as float32: one that overflows there is not finite either. */
export function checkFiniteScores(results: readonly { scores: readonly number[] }[]): void {
  for (const { scores } of results) checkFinite(scores.map(Math.fround))
}

export function notFinite(): QvlError {
  return new QvlError('RESULT_NOT_FINITE', {
    what: 'The model computed a number that is not finite.',
    why: 'JSON has no NaN and no infinity, and nothing could be ranked by them.',
    do: 'Check that the checkpoint is complete and unchanged.',
  })
}
