// Operations that treat each row by itself, as nodes: the same in every lowering, whatever rows are.

import type { Op, Value } from '../../program/program.js'
import { activate, headNorm, layerNorm, rmsNorm, rotary } from './formulas.js'
import type { OnnxGraph } from './model.js'

export type RowOp = Extract<Op, { op: 'rmsNorm' | 'layerNorm' | 'headNorm' | 'rotary' | 'swiglu' | 'add' | 'scale' }>

/** What a lowering knows of a program's values and weights. */
export interface Lowered {
  graph: OnnxGraph
  /** The graph name of a value, float32 [rows, width]. */
  name(value: Value): string
  width(value: Value): number
  /** A rotary table [rows, headDim/2] as [rows, 1, headDim/2], the same for every head. */
  perHead(table: Value): string
  /** A weight as a float32 value. */
  weight(name: string, ...dims: number[]): string
}

export function lowerRows(op: RowOp, { graph: g, name, width, perHead, weight }: Lowered): string {
  switch (op.op) {
    case 'rmsNorm':
      return rmsNorm(g, name(op.x), weight(op.weight, width(op.x)), op.eps)
    case 'layerNorm':
      return layerNorm(g, name(op.x), weight(op.weight, width(op.x)), weight(op.bias, width(op.x)), op.eps)
    case 'headNorm': {
      const { headDim, eps } = op
      return headNorm(g, name(op.x), weight(op.weight, headDim), { width: width(op.x), headDim, eps })
    }
    case 'rotary':
      return rotary(g, name(op.x), perHead(op.cos), perHead(op.sin), { width: width(op.x), headDim: op.headDim })
    case 'swiglu':
      return g.op('Mul', [activate(g, name(op.gate), 'silu'), name(op.up)])
    case 'add':
      return g.op('Add', [name(op.a), name(op.b)])
    case 'scale':
      return g.op('Mul', [name(op.x), g.scalar(op.factor)])
    default:
      return op satisfies never
  }
}
