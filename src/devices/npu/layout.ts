// How packed batches become padded runs of a compiled program, and the runs' outputs become packed again.
//
// A run has room for some sequences of equal length. Rows of a sequence come first, and padding after them: in a causal
// model no row sees what comes after it, and in others the lengths say what to see.

import type { ProgramInput, ProgramInputs, ProgramOutputs, RowsName } from '../../program/program.js'
import { Batch } from '../onnx/batch.js'
import { fillRun } from './fill-run.js'
import type { Gear, GearTraits } from './gears.js'
import { placeSequences } from './place-sequences.js'
import { sequencesOf } from './sequences.js'

/** A dimension that differs from gear to gear. */
export type GearDim = 'sequences' | 'rows' | 'pooled' | 'visual'

/** What the host writes into a graph input. */
export type PaddedFeed =
  /** Packed rows of an input of the program: [sequences, rows] or [sequences, rows, width]. */
  | { kind: 'rows'; input: string; width: number }
  /** The numbers from 0: [rows]. */
  | { kind: 'order' }
  /** Rows of each sequence, 1 for an empty place: [sequences]. */
  | { kind: 'lengths' }
  /** Padded row of each pooled row, all sequences counted through: [sequences, pooled]. */
  | { kind: 'pooled'; input: string }
  /** The same counted within its sequence. */
  | { kind: 'pooledAt'; input: string }
  /** Image features after a row of zeros: [visual, width]. */
  | { kind: 'visual'; input: string; width: number }
  /** Which of them a row takes, 0 for none: [sequences, rows]. */
  | { kind: 'visualIndex'; input: string }

export interface PaddedInput {
  name: string
  type: 'float32' | 'int32'
  dims: readonly (number | GearDim)[]
  feed: PaddedFeed
}

export interface PaddedOutput {
  /** Of the program, and of the graph. */
  name: string
  output: string
  rows: RowsName
  width: number
}

/** Plain data: it is kept beside the compiled program. */
export interface NpuLayout {
  traits: GearTraits
  /** The spans input, and what its spans are made of. */
  spans: string
  packed: 'tokens' | 'patches'
  /** Of the program. */
  programInputs: readonly ProgramInput[]
  /** In the order of the graph. */
  inputs: readonly PaddedInput[]
  outputs: readonly PaddedOutput[]
  gears: readonly Gear[]
}

/** One run of the compiled program. */
export interface GearRun {
  gear: Gear
  /** Of all inputs, one after another: what NpuRun calls the gear. */
  dims: readonly number[]
  inputs: Readonly<Record<string, Float32Array | Int32Array>>
  /** To be filled by the run. */
  outputs: Readonly<Record<string, Float32Array>>
  /** Which packed row each row of an output is: pairs of one place in the run, and one in the batch. */
  moves: Readonly<Partial<Record<RowsName, RowMoves>>>
  /** Rows that hold a token or a patch, and all. */
  realRows: number
  paddedRows: number
}

export interface RowMoves {
  from: Int32Array
  to: Int32Array
}

/**
 * The runs of a batch whose spans are whole sequences. Throws DEVICE_FAILED where spans have chains or are kept,
 * INPUT_TOO_LONG where a sequence fits no gear, and INTERNAL for inputs that do not fit the program.
 */
export function planRuns(layout: NpuLayout, inputs: ProgramInputs): GearRun[] {
  const batch = new Batch(layout.programInputs, inputs)
  const sequences = sequencesOf(layout, batch)
  return placeSequences(sequences, layout.gears).map((placed) => fillRun(layout, batch, placed))
}

/** Runs whose outputs are filled, as outputs of the batch. */
export function joinRuns(layout: NpuLayout, runs: readonly GearRun[]): ProgramOutputs {
  return Object.fromEntries(layout.outputs.map((output) => [output.name, joinOutput(output, runs)]))
}

function joinOutput({ output, rows, width }: PaddedOutput, runs: readonly GearRun[]): ProgramOutputs[string] {
  const numRows = runs.reduce((sum, { moves }) => sum + (moves[rows]?.to.length ?? 0), 0)
  const data = new Float32Array(numRows * width)
  for (const run of runs) {
    const { from, to } = run.moves[rows] ?? { from: [], to: [] }
    const found = run.outputs[output]!
    for (let i = 0; i < from.length; i++) {
      data.set(found.subarray(from[i]! * width, (from[i]! + 1) * width), to[i]! * width)
    }
  }
  return { rows: numRows, width, data }
}

/** Bytes that the inputs and outputs of a gear take. */
export function gearBytes(layout: NpuLayout, gear: Gear): number {
  const inputs = layout.inputs.map(({ dims }) => inputDims(dims, gear).reduce((product, dim) => product * dim, 4))
  const outputs = layout.outputs.map(({ rows, width }) => 4 * width * outputRows(layout, rows, gear))
  return [...inputs, ...outputs].reduce((sum, bytes) => sum + bytes, 0)
}

export const inputDims = (dims: readonly (number | GearDim)[], gear: Gear): number[] =>
  dims.map((dim) => (typeof dim === 'number' ? dim : gear[dim]))

/** Rows of an output in a run. */
export function outputRows({ traits }: Pick<NpuLayout, 'traits'>, rows: RowsName, gear: Gear): number {
  const { sequences, rows: perSequence, pooled } = gear
  switch (rows) {
    case 'tokens':
    case 'patches':
      return sequences * perSequence
    case 'pooled':
      return sequences * pooled
    case 'visual':
      return (sequences * perSequence) / traits.merged
    default:
      return rows satisfies never
  }
}
