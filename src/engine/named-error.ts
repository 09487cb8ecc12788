// Errors of one item of a request name it.

import { QvlError } from '../errors.js'

/** The error with the item's name, where it does not say already what was wrong. */
export function named(error: unknown, param: string | undefined): unknown {
  if (param === undefined || !(error instanceof QvlError) || error.details.param !== undefined) return error
  return new QvlError(error.code, { ...error.details, param })
}

/** Throws what `work` throws, named. */
export function naming<Result>(param: string | undefined, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw named(error, param)
  }
}
