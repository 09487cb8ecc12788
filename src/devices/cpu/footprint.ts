// How much memory a program will take on the cpu device, from its plan alone: before anything is loaded.

import type { WeightTable } from '../../checkpoint/weights.js'
import type { Program, RowsName } from '../../program/program.js'
import type { LoadOptions } from '../device.js'
import { productFormat } from './cpu.js'
import { keepInBf16 } from './int8.js'
import type { Format, Plan, PlanWeight, Step } from './native.js'
import { makePlan } from './plan.js'

export interface Footprint {
  /** Of the packed weights, which are mapped from a file. */
  packedBytes: number
  /** Of the values of a batch. */
  workspaceBytes: number
}

export interface FootprintOptions extends Pick<LoadOptions, 'dtype' | 'quantization'> {
  /** Rows and sequences of a batch. */
  rows: number
  sequences: number
  /** Rows of one name where they are fewer; all others are taken to be as many as `rows`. */
  fewer?: Partial<Record<RowsName, number>>
}

/** native/cpu/kernels.h and pack.h: columns of a packed panel, keys of an attention block, channels of a value panel. */
const panelColumns = 48
const keyBlock = 48
const valueBlock = 32
/** Scale and correction of a column of int8. */
const int8ColumnBytes = 8
/** native/cpu/matrix.h: buffers begin at multiples of this; rows of a product's input may stand this much further apart. */
const alignment = 64

const numberBytes: Readonly<Record<Format, number>> = { f32: 4, bf16: 2, i8: 1 }

export function cpuFootprint(program: Program, weights: WeightTable, options: FootprintOptions): Footprint {
  const products = productFormat(weights, options)
  const plan = makePlan(program, weights, {
    products,
    ...(products === 'i8' && { keepBf16: keepInBf16(program) }),
  })
  const packedBytes = plan.weights.reduce((sum, weight) => sum + packedSize(weight), 0)
  return { packedBytes, workspaceBytes: arenaBytes(plan, options) + inputBytes(plan, options) }
}

/** As native/cpu/pack.h lays panels out. */
function packedSize({ kind, format, shape: [rows = 0, columns = 0] }: PlanWeight): number {
  if (kind !== 'linear') return 0
  const column = columns * numberBytes[format] + (format === 'i8' ? int8ColumnBytes : 0)
  return Math.ceil(rows / panelColumns) * panelColumns * column
}

/** A value, or the scratch of an attention, and the steps between which it is needed. */
interface Buffer {
  bytes: number
  first: number
  last: number
}

/** The same placement as native/cpu/arena.cc: first fit over lifetimes. */
function arenaBytes(plan: Plan, { rows, sequences, fewer = {} }: FootprintOptions): number {
  const rowsOf = plan.rowNames.map((name) => fewer[name] ?? rows)
  const buffers: Buffer[] = plan.steps.flatMap((step, index) => {
    const { rows: name, width, format, lastUse } = plan.values[step.out]!
    const value = { bytes: valueBytes(rowsOf[name]!, width, format), first: index, last: lastUse }
    if (step.kind !== 'attention') return [value]
    return [value, { bytes: panelBytes(plan, step, { rows, sequences }), first: index, last: index }]
  })
  let live: (Buffer & { offset: number })[] = []
  let total = 0
  for (const buffer of buffers) {
    live = live.filter(({ last }) => last >= buffer.first)
    const offset = firstFit(live, buffer.bytes)
    live = [...live, { ...buffer, offset }].sort((a, b) => a.offset - b.offset)
    total = Math.max(total, offset + buffer.bytes)
  }
  return total
}

function firstFit(live: readonly (Buffer & { offset: number })[], bytes: number): number {
  let offset = 0
  for (const other of live) {
    if (other.offset - offset >= bytes) break
    offset = other.offset + other.bytes
  }
  return offset
}

const valueBytes = (rows: number, width: number, format: Format): number =>
  rows * (width * numberBytes[format] + alignment)

/** Keys and values as attention packs them: every span is filled up to whole blocks. */
function panelBytes(
  plan: Plan,
  { k, kvHeads, headDim }: Extract<Step, { kind: 'attention' }>,
  { rows, sequences }: { rows: number; sequences: number },
): number {
  // A sequence adds at most two spans: its own, and what is left of one that it cuts.
  const keys = rows + (keyBlock - 1) * Math.min(rows, 2 * sequences)
  const channels = headDim + Math.ceil(headDim / valueBlock) * valueBlock
  return keys * kvHeads * channels * numberBytes[plan.values[k]!.format]
}

/** Inputs stay in the memory of the caller. */
function inputBytes(plan: Plan, { rows }: FootprintOptions): number {
  return plan.inputs.reduce(
    (sum, input) => sum + (input.kind === 'spans' ? 0 : rows * 4 * plan.values[input.value]!.width),
    0,
  )
}
