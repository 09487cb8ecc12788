// Deals the sequences of a batch out to runs, so that little is computed in vain.

import { QvlError } from '../../errors.js'
import { formatGear, type Gear } from './gears.js'
import type { Sequence } from './sequences.js'

export interface PlacedRun {
  gear: Gear
  /** In the order of their places in the run. */
  sequences: readonly Sequence[]
}

/** What a run costs besides its rows, in rows: below about this many, reading the weights takes longer than computing. */
const rowsPerRun = 256

/**
 * Longest sequences first: each round takes the gear that costs the least per row that is needed. Throws INPUT_TOO_LONG
 * where a sequence fits no gear.
 */
export function placeSequences(sequences: readonly Sequence[], gears: readonly Gear[]): PlacedRun[] {
  let waiting = [...sequences].sort((a, b) => b.rows - a.rows || a.start - b.start)
  const runs: PlacedRun[] = []
  while (waiting.length > 0) {
    const run = cheapestRun(waiting, gears)
    const taken = new Set(run.sequences)
    waiting = waiting.filter((sequence) => !taken.has(sequence))
    runs.push(run)
  }
  return runs
}

/** Of the runs that the first, the longest, is in. */
function cheapestRun(waiting: readonly Sequence[], gears: readonly Gear[]): PlacedRun {
  const [first] = waiting
  const runs = gears.flatMap((gear) => (fits(first!, gear) ? [{ gear, sequences: filling(waiting, gear) }] : []))
  const [best, ...others] = runs
  if (best === undefined) throw tooLong(first!, gears)
  return others.reduce((cheapest, run) => (costPerRow(run) < costPerRow(cheapest) ? run : cheapest), best)
}

/** The next sequences that a gear has room for. */
function filling(waiting: readonly Sequence[], gear: Gear): Sequence[] {
  const taken: Sequence[] = []
  let visual = 1
  for (const sequence of waiting) {
    if (taken.length === gear.sequences) break
    if (!fits(sequence, gear) || visual + sequence.visual.length > gear.visual) continue
    visual += sequence.visual.length
    taken.push(sequence)
  }
  return taken
}

const fits = ({ rows, pooled, visual }: Sequence, gear: Gear): boolean =>
  rows <= gear.rows && pooled.length <= gear.pooled && 1 + visual.length <= gear.visual

const costPerRow = ({ gear, sequences }: PlacedRun): number =>
  (Math.max(rowsPerRun, gear.sequences * gear.rows) + rowsPerRun) / sequences.reduce((sum, { rows }) => sum + rows, 0)

function tooLong({ rows, pooled, visual }: Sequence, gears: readonly Gear[]): QvlError {
  const needed = formatGear({ sequences: 1, rows, pooled: Math.max(1, pooled.length), visual: 1 + visual.length })
  return new QvlError('INPUT_TOO_LONG', {
    what: `A sequence of ${rows} rows fits nothing that the model was compiled for.`,
    why: `It needs a gear of ${needed}; the gears are ${gears.map(formatGear).join(', ')}.`,
    do: 'Shorten it, or compile with --npu-gears that have room for it.',
  })
}
