// Counts the tokens of a request while it is prepared: a small body can have a long query for each of many documents.

import { neverFits } from '../admission.js'

/** Adds tokens up. Throws REQUEST_TOO_LARGE when they are more than `most`, which no queue takes. */
export function tokenBudget(most: number): (numTokens: number) => void {
  let sum = 0
  return (numTokens) => {
    sum += numTokens
    if (sum > most) throw neverFits(most)
  }
}
