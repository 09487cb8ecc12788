// Attention over padded sequences: one matrix of scores per head, masked, in plain operators of opset 17.

import type { AttentionOp } from '../../program/program.js'
import { int, ints, type OnnxGraph } from '../onnx/model.js'
import type { Gear } from './gears.js'

export interface PaddedAttention {
  /** [sequences · queries, heads · headDim], and [sequences · rows, kvHeads · headDim] twice. */
  q: string
  k: string
  v: string
  /** Shapes of two numbers: sequences and queries, sequences and rows. */
  queryDims: string
  keyDims: string
  /** Added to the scores [sequences, kvHeads, group · queries, rows]. */
  mask: string
  /** Heads are computed in so many parts, one after another. */
  numGroups: number
  toProducts: (value: string) => string
  toFloat32: (value: string) => string
}

/** Scores held at once, in float32. */
const maxScoreBytes = 2 ** 30

/** The fewest parts of the heads whose scores stay below the limit in every gear. */
export function headGroups({ heads, kvHeads, queryRows }: AttentionOp, gears: readonly Gear[]): number {
  const scores = gears.map(
    ({ sequences, rows, pooled }) => sequences * rows * (queryRows === undefined ? rows : pooled),
  )
  const bytes = 4 * heads * Math.max(...scores)
  const enough = (parts: number): boolean => kvHeads % parts === 0 && bytes / parts <= maxScoreBytes
  for (let parts = 1; parts < kvHeads; parts++) if (enough(parts)) return parts
  return kvHeads
}

/** The attended rows, [sequences · queries, heads · headDim]. */
export function lowerPaddedAttention(g: OnnxGraph, op: AttentionOp, parts: PaddedAttention): string {
  const { heads, kvHeads, headDim } = op
  const { queryDims, keyDims, numGroups, toProducts } = parts
  const split = (value: string, dims: string, count: number): string =>
    g.op('Reshape', [value, g.op('Concat', [dims, g.shape(count, headDim)], { axis: int(0) })])
  const scaled = g.op('Mul', [parts.q, g.scalar(op.scale)])
  const queries = g.op('Transpose', [split(scaled, queryDims, heads)], { perm: ints(0, 2, 1, 3) })
  // The queries of the heads that share keys stand one after another: [sequences, kvHeads, group · queries, headDim].
  const q = toProducts(g.op('Reshape', [queries, g.shape(0, kvHeads, -1, headDim)]))
  const k = g.op('Transpose', [toProducts(split(parts.k, keyDims, kvHeads))], { perm: ints(0, 2, 3, 1) })
  const v = g.op('Transpose', [toProducts(split(parts.v, keyDims, kvHeads))], { perm: ints(0, 2, 1, 3) })
  const mixed = inGroups(g, [q, k, v], numGroups, (group) => attend(g, group, parts))
  const byHead = g.op('Reshape', [mixed, g.shape(0, heads, -1, headDim)])
  return g.op('Reshape', [g.op('Transpose', [byHead], { perm: ints(0, 2, 1, 3) }), g.shape(-1, heads * headDim)])
}

function inGroups(
  g: OnnxGraph,
  values: readonly string[],
  numGroups: number,
  compute: (group: readonly string[]) => string,
): string {
  if (numGroups === 1) return compute(values)
  const cut = values.map((value) => g.ops('Split', [value], numGroups, { axis: int(1) }))
  const groups = Array.from({ length: numGroups }, (_, group) => compute(cut.map((parts) => parts[group]!)))
  return g.op('Concat', groups, { axis: int(1) })
}

function attend(g: OnnxGraph, [q = '', k = '', v = '']: readonly string[], parts: PaddedAttention): string {
  const { mask, toProducts, toFloat32 } = parts
  const scores = g.op('Add', [toFloat32(g.op('MatMul', [q, k])), mask])
  const shares = g.op('Softmax', [scores], { axis: int(-1) })
  return toFloat32(g.op('MatMul', [toProducts(shares), v]))
}
