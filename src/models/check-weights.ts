// The weights a program reads: their names and shapes, and whether a checkpoint has them, before anything is loaded.

import { expectShape, type WeightTable } from '../checkpoint/weights.js'
import type { Op, Program } from '../program/program.js'

/** Throws TENSOR_MISSING or TENSOR_INVALID with the tensor's name. `tableRows` gives the rows of each embedding table. */
export function checkWeights(program: Program, weights: WeightTable, tableRows: Record<string, number>): void {
  for (const [name, shape] of weightShapes(program, tableRows)) expectShape(weights, name, shape)
}

/** Shapes by name, in the order in which they are first read. */
export function weightShapes(program: Program, tableRows: Record<string, number>): Map<string, readonly number[]> {
  const width = (value: number): number => program.shapes[value]!.width
  return new Map(program.ops.flatMap((op) => expectedShapes(op, width, tableRows)))
}

function expectedShapes(
  op: Op,
  width: (value: number) => number,
  tableRows: Record<string, number>,
): [name: string, shape: number[]][] {
  switch (op.op) {
    case 'embed':
      return [[op.table, [tableRows[op.table]!, width(op.out)]]]
    case 'linear': {
      const bias: [string, number[]][] = op.bias === undefined ? [] : [[op.bias, [width(op.out)]]]
      return [[op.weight, [width(op.out), width(op.x)]], ...bias]
    }
    case 'rmsNorm':
      return [[op.weight, [width(op.x)]]]
    case 'headNorm':
      return [[op.weight, [op.headDim]]]
    case 'layerNorm':
      return [
        [op.weight, [width(op.x)]],
        [op.bias, [width(op.x)]],
      ]
    default:
      return []
  }
}
