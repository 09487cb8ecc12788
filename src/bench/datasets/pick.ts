// Which rows of a file are sent, and in which order.

import { PythonRandom } from '../random/python-random.js'

export interface PickOptions {
  seed: number
  /** Requests in all; 0 or less means one per row. */
  numPrompts: number
  noOversample: boolean
  disableShuffle: boolean
}

/** The rows as `random.seed(seed); random.shuffle(rows)` orders them. */
export function shuffled<T>(rows: readonly T[], { seed, disableShuffle }: PickOptions): T[] {
  const order = [...rows]
  if (!disableShuffle) new PythonRandom(seed).shuffle(order)
  return order
}

/** Rows to take at most. */
export function wantedRows(rows: readonly unknown[], { numPrompts }: PickOptions): number {
  return numPrompts > 0 ? numPrompts : rows.length
}

/** Requests that are too few, followed by random ones of them again; the draws start anew from the seed. */
export function oversampled<T>(requests: readonly T[], wanted: number, { seed, noOversample }: PickOptions): T[] {
  if (noOversample || requests.length >= wanted) return [...requests]
  const random = new PythonRandom(seed)
  const again = Array.from({ length: wanted - requests.length }, () => random.choice(requests))
  return [...requests, ...again]
}
