// From the outputs of a run to the rows of each sequence, with a check that they are numbers.

import { setImmediate } from 'node:timers/promises'
import { QvlError } from '../errors.js'
import type { ProgramOutputs } from '../program/program.js'
import type { PooledRows } from './answers.js'
import type { TreeSequence } from './prefix-tree.js'

/** Numbers copied, checked or made into answers before the event loop gets a turn: some milliseconds of work. */
export const numbersPerTurn = 500_000

/** A NaN must never leave as a score: its sequence has failed, and the others have not. */
export async function pooledRows(
  outputs: ProgramOutputs,
  sequences: readonly TreeSequence[],
  sharedTokens: readonly number[],
): Promise<(PooledRows | QvlError)[]> {
  const results: (PooledRows | QvlError)[] = []
  let row = 0
  let numbers = 0
  for (const [index, { ids, pool }] of sequences.entries()) {
    const rows = pool === 'all' ? ids.length : 1
    const hidden = outputRows(outputs, 'hidden', row, rows)
    const logits = outputRows(outputs, 'logits', row, rows)
    row += rows
    const isNumeric = allFinite(hidden) && allFinite(logits)
    results.push(isNumeric ? { rows, hidden, logits, sharedTokens: sharedTokens[index]! } : notFinite())
    numbers += hidden.length + logits.length
    if (numbers < numbersPerTurn) continue
    numbers = 0
    await setImmediate()
  }
  return results
}

/** A copy, so that one answer does not keep the rows of the whole batch in memory. */
function outputRows(outputs: ProgramOutputs, name: string, from: number, rows: number): Float32Array {
  const output = outputs[name]
  if (output === undefined) return new Float32Array(0)
  return output.data.slice(from * output.width, (from + rows) * output.width)
}

/** NaN and infinities stay in a sum, and finite float32 numbers cannot overflow one in float64. */
function allFinite(numbers: Float32Array): boolean {
  let sum = 0
  for (let i = 0; i < numbers.length; i++) sum += numbers[i]!
  return Number.isFinite(sum)
}

const notFinite = (): QvlError =>
  new QvlError('RESULT_NOT_FINITE', { what: 'The model computed a value that is not a number.' })
