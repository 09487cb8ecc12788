// Attention as an ONNX Loop over the blocks of an attention plan, in plain operators of opset 17.

import type { AttentionOp } from '../../program/program.js'
import { loop } from './formulas.js'
import { elementType, int, ints, type OnnxGraph } from './model.js'

/** Finite, so that no subtraction of infinities can arise. */
const lowestFloat32 = -3.4028234663852886e38

/** The graph inputs that carry an attention plan, all int32. */
export interface PlanInputs {
  /** [blocks, height] */
  queries: string
  /** [blocks, height, 1] */
  from: string
  /** [blocks, height, 1] */
  to: string
  /** [keys] */
  keys: string
  /** [blocks + 1] */
  keyOffsets: string
  /** [blocks, 1] */
  chainKeys: string
  /** The numbers from 0 up to the most keys in a block. */
  keyNumbers: string
  /** [queries] */
  places: string
}

export const planInputs = (name: string): PlanInputs => ({
  queries: `${name}.queries`,
  from: `${name}.from`,
  to: `${name}.to`,
  keys: `${name}.keys`,
  keyOffsets: `${name}.keyOffsets`,
  chainKeys: `${name}.chainKeys`,
  keyNumbers: `${name}.keyNumbers`,
  places: `${name}.places`,
})

export function declarePlan(g: OnnxGraph, name: string): PlanInputs {
  const plan = planInputs(name)
  const [blocks, height] = [`${name}.blocks`, `${name}.height`]
  g.input(plan.queries, 'int32', [blocks, height])
  g.input(plan.from, 'int32', [blocks, height, 1])
  g.input(plan.to, 'int32', [blocks, height, 1])
  g.input(plan.keys, 'int32', [`${name}.allKeys`])
  g.input(plan.keyOffsets, 'int32', [`${name}.offsets`])
  g.input(plan.chainKeys, 'int32', [blocks, 1])
  g.input(plan.keyNumbers, 'int32', [`${name}.mostKeys`])
  g.input(plan.places, 'int32', [`${name}.allQueries`])
  return plan
}

export interface AttentionInputs {
  q: string
  k: string
  v: string
  plan: PlanInputs
}

/** The attended rows, [queries, heads · headDim]. */
export function lowerAttention(g: OnnxGraph, op: AttentionOp, { q, k, v, plan }: AttentionInputs): string {
  const { heads, kvHeads, headDim } = op
  const width = heads * headDim
  const times = g.op('Size', [plan.chainKeys])
  const blocks = loop(g, times, [g.name('height'), width], (body, index) => {
    const block = openBlock(body, plan, index)
    const queries = body.op('Mul', [takeRows(body, q, block.queries), body.scalar(op.scale)])
    // [kvHeads, group · height, headDim] · [kvHeads, headDim, keys]
    const grouped = body.op('Reshape', [splitHeads(body, queries, heads, headDim), body.shape(kvHeads, -1, headDim)])
    const keys = splitHeads(body, takeRows(body, k, block.keys), kvHeads, headDim, 'transposed')
    const scores = body.op('MatMul', [grouped, keys])
    // The same numbers as [heads, height, keys], where the mask [height, keys] fits.
    const masked = body.op('Add', [body.op('Reshape', [scores, body.shape(heads, -1, 0)]), block.mask])
    const shares = body.op('Softmax', [masked], { axis: int(-1) })
    const values = splitHeads(body, takeRows(body, v, block.keys), kvHeads, headDim)
    const mixed = body.op('MatMul', [body.op('Reshape', [shares, body.shape(kvHeads, -1, 0)]), values])
    const byHead = body.op('Reshape', [mixed, body.shape(heads, -1, headDim)])
    return body.op('Reshape', [body.op('Transpose', [byHead], { perm: ints(1, 0, 2) }), body.shape(0, width)])
  })
  return takeRows(g, g.op('Reshape', [blocks, g.shape(-1, width)]), plan.places)
}

interface Block {
  /** [height] */
  queries: string
  /** [keys] */
  keys: string
  /** [height, keys]: 0 where the query sees the key, and the lowest number elsewhere. */
  mask: string
}

function openBlock(g: OnnxGraph, plan: PlanInputs, index: string): Block {
  const here = g.op('Reshape', [index, g.shape(1)])
  const begin = g.op('Gather', [plan.keyOffsets, here])
  const end = g.op('Gather', [plan.keyOffsets, g.op('Add', [here, g.shape(1)])])
  const numKeys = g.op('Cast', [g.op('Sub', [end, begin])], { to: int(elementType.int64) })
  const numbers = g.op('Slice', [plan.keyNumbers, g.shape(0), numKeys])
  const inChain = g.op('Less', [numbers, g.op('Gather', [plan.chainKeys, index])])
  const afterFrom = g.op('GreaterOrEqual', [numbers, g.op('Gather', [plan.from, index])])
  const beforeTo = g.op('Less', [numbers, g.op('Gather', [plan.to, index])])
  const visible = g.op('Or', [inChain, g.op('And', [afterFrom, beforeTo])])
  return {
    queries: g.op('Gather', [plan.queries, index]),
    keys: g.op('Slice', [plan.keys, begin, end]),
    mask: g.op('Where', [visible, g.scalar(0), g.scalar(lowestFloat32)]),
  }
}

const takeRows = (g: OnnxGraph, x: string, rows: string): string => g.op('Gather', [x, rows], { axis: int(0) })

/** [rows, heads · headDim] as [heads, rows, headDim], or transposed as [heads, headDim, rows]. */
function splitHeads(g: OnnxGraph, x: string, heads: number, headDim: number, order?: 'transposed'): string {
  const split = g.op('Reshape', [x, g.shape(0, heads, headDim)])
  return g.op('Transpose', [split], { perm: order === 'transposed' ? ints(1, 2, 0) : ints(1, 0, 2) })
}
