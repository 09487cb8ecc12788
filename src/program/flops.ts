// Counts the arithmetic of a batch from the program and the batch's rows: the same number on every device.

import type { AttentionOp, Op, Program, ProgramInputs, RowsName, Span } from './program.js'

/** Floating-point operations of matrix products; a multiplication and its addition are two. */
export interface Flops {
  /** Of the `linear` operations. */
  linear: number
  /** Of both products of attention, over the pairs of rows that see each other and no others. */
  attention: number
}

/** The matrix products of one batch. Norms, activations and softmax are not counted: they are below one per cent. */
export function countFlops(program: Program, inputs: ProgramInputs): Flops {
  const rowsOf = rowCounts(program, inputs)
  const flops = { linear: 0, attention: 0 }
  for (const op of program.ops) {
    if (op.op === 'linear') flops.linear += linearFlops(program, op, rowsOf)
    if (op.op === 'attention') flops.attention += attentionFlops(program, op, inputs)
  }
  return flops
}

function linearFlops(
  { shapes }: Program,
  { x, out }: Extract<Op, { op: 'linear' }>,
  rowsOf: ReadonlyMap<RowsName, number>,
): number {
  const { rows, width } = shapes[out]!
  return 2 * rowsOf.get(rows)! * shapes[x]!.width * width
}

/** Each pair of rows costs headDim multiplications for its score and as many for its value, in every head. */
function attentionFlops(program: Program, op: AttentionOp, inputs: ProgramInputs): number {
  const spans = spansInput(inputs, op.spans)
  const queryRows = op.queryRows === undefined ? undefined : rowsInput(program, inputs, op.queryRows)
  const pairs = queryRows === undefined ? allPairs(spans, op.causal) : askedPairs(spans, op.causal, queryRows)
  return 4 * op.heads * op.headDim * pairs
}

function allPairs(spans: readonly Span[], causal: boolean): number {
  return spans.filter(isComputed).reduce((pairs, span) => {
    const own = causal ? (span.rows * (span.rows + 1)) / 2 : span.rows ** 2
    return pairs + span.rows * chainRows(spans, span) + own
  }, 0)
}

function askedPairs(spans: readonly Span[], causal: boolean, queryRows: Int32Array): number {
  const computed = spans.filter(isComputed)
  return queryRows.reduce((pairs, row) => {
    const span = computed.findLast(({ start }) => start <= row)!
    return pairs + chainRows(spans, span) + (causal ? row - span.start + 1 : span.rows)
  }, 0)
}

/** A kept span has no rows in the batch; it counts only where others see it. */
const isComputed = ({ kept }: Span): boolean => kept === undefined

const chainRows = (spans: readonly Span[], { chain }: Span): number =>
  chain.reduce((rows, index) => rows + spans[index]!.rows, 0)

/** How many rows this batch has of each name. */
function rowCounts(program: Program, inputs: ProgramInputs): Map<RowsName, number> {
  const counts = new Map<RowsName, number>()
  for (const input of program.inputs) {
    if (input.kind !== 'spans') counts.set(input.rows, inputs[input.name]!.length / input.width)
  }
  for (const op of program.ops) {
    if (op.op === 'mean') counts.set(program.shapes[op.out]!.rows, spansInput(inputs, op.spans).length)
  }
  return counts
}

function spansInput(inputs: ProgramInputs, name: string): readonly Span[] {
  const spans = inputs[name]
  if (spans === undefined || ArrayBuffer.isView(spans)) throw new TypeError(`the input ${name} is not spans`)
  return spans
}

function rowsInput(program: Program, inputs: ProgramInputs, value: number): Int32Array {
  const input = program.inputs.find((one) => one.kind === 'i32' && one.value === value)
  const rows = input && inputs[input.name]
  if (!(rows instanceof Int32Array)) throw new TypeError(`value ${value} is not an input of row numbers`)
  return rows
}
