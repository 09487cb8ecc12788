// How much of what gears compute is padding, for sequences of many lengths.

import type { Gear, GearTraits } from './gears.js'
import { placeSequences } from './place-sequences.js'

/** In one batch. */
const numSequences = 64

/** The share of rows that would be padding, from 0 to 1: as many short sequences as long ones, on a logarithmic scale. */
export function estimateWaste(gears: readonly Gear[], { merged }: Pick<GearTraits, 'merged'>): number {
  const longest = Math.max(...gears.map(({ rows }) => rows))
  let start = 0
  const sequences = Array.from({ length: numSequences }, (_, i) => {
    const length = longest ** (0.5 + (0.5 * i) / (numSequences - 1))
    const rows = Math.min(longest, Math.ceil(length / merged) * merged)
    const sequence = { start, rows, pooled: merged === 1 ? [i] : [], visual: [] }
    start += rows
    return sequence
  })
  const padded = placeSequences(sequences, gears).reduce((sum, { gear }) => sum + gear.sequences * gear.rows, 0)
  return 1 - start / padded
}
