// Late interaction: a pair is scored by the vectors of its tokens, as ColBERT does it (MaxSim).

import { setImmediate } from 'node:timers/promises'
import type { PooledRows } from './answers.js'
import { tokenVectors } from './pooling.js'

type TokenRows = Pick<PooledRows, 'rows' | 'hidden'>

/** Multiplications before the event loop gets a turn: some milliseconds of work. */
const productsPerTurn = 4_000_000

/**
 * One score for each document: each token of the query is worth its best cosine with a token of the document, and the
 * score is the sum.
 */
export async function maxSim(query: TokenRows, documents: readonly TokenRows[]): Promise<number[]> {
  const queryVectors = tokenVectors(query.hidden, query.rows, true)
  const width = queryVectors.length / query.rows
  const scores: number[] = []
  let products = 0
  for (const { rows, hidden } of documents) {
    const vectors = tokenVectors(hidden, rows, true)
    const best = new Float64Array(query.rows).fill(Number.NEGATIVE_INFINITY)
    for (let row = 0; row < rows; row++) {
      raise(best, queryVectors, vectors.subarray(row * width, (row + 1) * width))
      products += queryVectors.length
      if (products < productsPerTurn) continue
      products = 0
      await setImmediate()
    }
    scores.push(best.reduce((sum, each) => sum + each, 0))
  }
  return scores
}

/** The best of each query token so far, with one more token of the document. */
function raise(best: Float64Array, queryVectors: Float32Array, token: Float32Array): void {
  const width = token.length
  for (let row = 0; row < best.length; row++) {
    const start = row * width
    let sum = 0
    for (let i = 0; i < width; i++) sum += queryVectors[start + i]! * token[i]!
    if (sum > best[row]!) best[row] = sum
  }
}
