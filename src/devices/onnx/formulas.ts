// The formulas of row-wise operations as ONNX nodes. All in float32, all from plain operators of opset 17.
//
// Where a formula can be written in several ways, the one that ONNX Runtime recognises and fuses is used.

import type { Activation } from '../../program/program.js'
import { type Dim, float, int, ints, type OnnxGraph, subgraph } from './model.js'

/** PyTorch's floor under the length when normalising. */
const minLength = 1e-12

export function activate(g: OnnxGraph, x: string, activation: Activation): string {
  switch (activation) {
    case 'none':
      return x
    case 'gelu_erf': {
      const erf = g.op('Erf', [g.op('Div', [x, g.scalar(Math.SQRT2)])])
      return g.op('Mul', [g.op('Mul', [x, g.op('Add', [erf, g.scalar(1)])]), g.scalar(0.5)])
    }
    case 'gelu_tanh': {
      const cubic = g.op('Mul', [g.op('Pow', [x, g.scalar(3)]), g.scalar(0.044715)])
      const inner = g.op('Mul', [g.op('Add', [x, cubic]), g.scalar(Math.sqrt(2 / Math.PI))])
      const gate = g.op('Add', [g.op('Tanh', [inner]), g.scalar(1)])
      return g.op('Mul', [g.op('Mul', [x, gate]), g.scalar(0.5)])
    }
    case 'silu':
      return g.op('Mul', [x, g.op('Sigmoid', [x])])
    case 'tanh':
      return g.op('Tanh', [x])
    default:
      return activation satisfies never
  }
}

/** x / sqrt(mean(x²) + eps) · weight over the last dimension. */
export function rmsNorm(g: OnnxGraph, x: string, weight: string, eps: number): string {
  const square = g.op('Pow', [x, g.scalar(2)])
  const mean = g.op('ReduceMean', [square], { axes: ints(-1), keepdims: int(1) })
  const root = g.op('Sqrt', [g.op('Add', [mean, g.scalar(eps)])])
  return g.op('Mul', [g.op('Div', [x, root]), weight])
}

export function layerNorm(g: OnnxGraph, x: string, weight: string, bias: string, eps: number): string {
  return g.op('LayerNormalization', [x, weight, bias], { axis: int(-1), epsilon: float(eps) })
}

/** RMSNorm of each head of x [rows, width]. */
export function headNorm(g: OnnxGraph, x: string, weight: string, { width, headDim, eps }: HeadNorm): string {
  const heads = g.op('Reshape', [x, g.shape(0, width / headDim, headDim)])
  return g.op('Reshape', [rmsNorm(g, heads, weight, eps), g.shape(0, width)])
}

export interface HeadNorm {
  width: number
  headDim: number
  eps: number
}

/** Rotate-half of each head of x [rows, width]; cos and sin are [rows, 1, headDim/2]. */
export function rotary(
  g: OnnxGraph,
  x: string,
  cos: string,
  sin: string,
  size: { width: number; headDim: number },
): string {
  const heads = g.op('Reshape', [x, g.shape(0, size.width / size.headDim, size.headDim)])
  const [a = '', b = ''] = g.ops('Split', [heads], 2, { axis: int(-1) })
  const first = g.op('Sub', [g.op('Mul', [a, cos]), g.op('Mul', [b, sin])])
  const second = g.op('Add', [g.op('Mul', [b, cos]), g.op('Mul', [a, sin])])
  const rotated = g.op('Concat', [first, second], { axis: int(-1) })
  return g.op('Reshape', [rotated, g.shape(0, size.width)])
}

export function normalize(g: OnnxGraph, x: string): string {
  const length = g.op('ReduceL2', [x], { axes: ints(-1), keepdims: int(1) })
  return g.op('Div', [x, g.op('Max', [length, g.scalar(minLength)])])
}

/** x with rows `rows` [n, 1] (int64, distinct) replaced by y. */
export function scatterRows(g: OnnxGraph, x: string, rows: string, y: string): string {
  return g.op('ScatterND', [x, rows, y])
}

/**
 * x with y added to rows `rows` (distinct). Written as gather, add and scatter: with `reduction=add`, ONNX Runtime adds
 * from several threads without locks.
 */
export function addRows(g: OnnxGraph, x: string, rows: { list: string; column: string }, y: string): string {
  const sum = g.op('Add', [g.op('Gather', [x, rows.list], { axis: int(0) }), y])
  return scatterRows(g, x, rows.column, sum)
}

/** Mean of the rows from[i] up to but not including to[i] of x, for each i; from and to are [spans, 1]. */
export function spanMeans(g: OnnxGraph, x: string, span: { from: string; to: string }, width: number): string {
  return loop(g, g.op('Size', [span.from]), [width], (body, index) => {
    const rows = body.op('Slice', [x, body.op('Gather', [span.from, index]), body.op('Gather', [span.to, index])])
    return body.op('ReduceMean', [rows], { axes: ints(0), keepdims: int(0) })
  })
}

/**
 * Runs a body for each index below `times` and stacks its results, which must all have the shape `dims`. Dimensions
 * that differ from batch to batch are names.
 */
export function loop(
  g: OnnxGraph,
  times: string,
  dims: readonly Dim[],
  write: (body: OnnxGraph, index: string) => string,
): string {
  const body = g.body('body')
  const index = body.input(body.name('index'), 'int64', [])
  const proceed = body.input(body.name('proceed'), 'bool', [])
  body.output(body.op('Identity', [proceed]), 'bool', [])
  body.output(write(body, index), 'float32', dims)
  return g.op('Loop', [times, ''], { body: subgraph(body) })
}
