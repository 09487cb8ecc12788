// Fills the inputs of one run: rows of sequences at their padded places, and zeros elsewhere.

import type { RowsName } from '../../program/program.js'
import type { Batch } from '../onnx/batch.js'
import { type GearRun, inputDims, type NpuLayout, outputRows, type PaddedInput, type RowMoves } from './layout.js'
import type { PlacedRun } from './place-sequences.js'

export function fillRun(layout: NpuLayout, batch: Batch, placed: PlacedRun): GearRun {
  const { gear, sequences } = placed
  const inputs = layout.inputs.map((input) => [input.name, fillInput(input, batch, placed)] as const)
  const outputs = layout.outputs.map(
    ({ output, rows, width }) => [output, new Float32Array(width * outputRows(layout, rows, gear))] as const,
  )
  return {
    gear,
    dims: layout.inputs.flatMap(({ dims }) => inputDims(dims, gear)),
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(outputs),
    moves: movesOf(layout, placed),
    realRows: sequences.reduce((sum, { rows }) => sum + rows, 0),
    paddedRows: gear.sequences * gear.rows,
  }
}

function fillInput({ type, dims, feed }: PaddedInput, batch: Batch, placed: PlacedRun): Float32Array | Int32Array {
  const size = inputDims(dims, placed.gear).reduce((product, dim) => product * dim, 1)
  if (type === 'float32') {
    const data = new Float32Array(size)
    if (feed.kind === 'rows') copyRows(batch.floats(feed.input), data, feed.width, placed)
    if (feed.kind === 'visual') copyVisual(batch.floats(feed.input), data, feed.width, placed)
    return data
  }
  const data = new Int32Array(size)
  fillIntegers(feed, data, batch, placed)
  return data
}

function fillIntegers(feed: PaddedInput['feed'], data: Int32Array, batch: Batch, placed: PlacedRun): void {
  const { gear, sequences } = placed
  switch (feed.kind) {
    case 'rows':
      copyRows(batch.integers(feed.input), data, 1, placed)
      return
    case 'order':
      for (let i = 0; i < data.length; i++) data[i] = i
      return
    case 'lengths':
      // A row that sees nothing would have no sum of shares to divide by.
      data.fill(1)
      for (const [place, { rows }] of sequences.entries()) data[place] = rows
      return
    case 'pooled':
      eachPooled(batch.integers(feed.input), placed, (slot, place, at) => {
        data[slot] = place * gear.rows + at
      })
      return
    case 'pooledAt':
      eachPooled(batch.integers(feed.input), placed, (slot, _place, at) => {
        data[slot] = at
      })
      return
    case 'visualIndex':
      markVisual(batch.integers(feed.input), data, placed)
      return
    case 'visual':
      return
    default:
      feed satisfies never
  }
}

function copyRows<Numbers extends Float32Array | Int32Array>(
  packed: Numbers,
  padded: Numbers,
  width: number,
  { gear, sequences }: PlacedRun,
): void {
  for (const [place, { start, rows }] of sequences.entries()) {
    padded.set(packed.subarray(start * width, (start + rows) * width), place * gear.rows * width)
  }
}

/** After the row of zeros come the features of one sequence after another. */
function copyVisual(packed: Float32Array, data: Float32Array, width: number, { sequences }: PlacedRun): void {
  let at = 1
  for (const { visual } of sequences)
    for (const place of visual) data.set(packed.subarray(place * width, (place + 1) * width), width * at++)
}

function markVisual(rows: Int32Array, data: Int32Array, { gear, sequences }: PlacedRun): void {
  let at = 1
  for (const [place, { start, visual }] of sequences.entries())
    for (const feature of visual) data[place * gear.rows + rows[feature]! - start] = at++
}

function eachPooled(
  rows: Int32Array,
  { gear, sequences }: PlacedRun,
  visit: (slot: number, place: number, at: number) => void,
): void {
  for (const [place, { start, pooled }] of sequences.entries())
    for (const [i, index] of pooled.entries()) visit(place * gear.pooled + i, place, rows[index]! - start)
}

function movesOf({ packed, traits }: NpuLayout, { gear, sequences }: PlacedRun): GearRun['moves'] {
  const perToken = traits.merged
  const runs = (divisor: number): RowMoves =>
    moves(
      sequences.flatMap(({ start, rows }, place) =>
        Array.from(
          { length: rows / divisor },
          (_, i): Move => [(place * gear.rows) / divisor + i, start / divisor + i],
        ),
      ),
    )
  const pooled = sequences.flatMap(({ pooled }, place) =>
    pooled.map((index, i): Move => [place * gear.pooled + i, index]),
  )
  const found: Partial<Record<RowsName, RowMoves>> = { [packed]: runs(1) }
  if (perToken > 1) found.visual = runs(perToken)
  else found.pooled = moves(pooled)
  return found
}

type Move = readonly [from: number, to: number]

const moves = (pairs: readonly Move[]): RowMoves => ({
  from: Int32Array.from(pairs, ([from]) => from),
  to: Int32Array.from(pairs, ([, to]) => to),
})
