// Attention of the reference interpreter: each query row against the rows it may see, one softmax at a time.

import type { Matrix } from './interpreter-math.js'
import type { AttentionOp, Span } from './program.js'
import { spanNumbers, visibleRows } from './spans.js'

export function attend(
  op: AttentionOp,
  q: Matrix,
  k: Matrix,
  v: Matrix,
  spans: readonly Span[],
  queryRows: ArrayLike<number> | undefined,
): Matrix {
  const spanOfRow = spanNumbers(spans, k.rows)
  const group = op.heads / op.kvHeads
  const data = new Float64Array(q.data.length)
  for (let query = 0; query < q.rows; query++) {
    const row = queryRows === undefined ? query : queryRows[query]!
    const keys = visibleRows(spans, spanOfRow[row]!, op.causal ? row : undefined)
    const weights = new Float64Array(keys.length)
    for (let head = 0; head < op.heads; head++) {
      const from = query * q.width + head * op.headDim
      const channel = Math.floor(head / group) * op.headDim
      for (let index = 0; index < keys.length; index++) {
        weights[index] = op.scale * dot(q.data, from, k.data, keys[index]! * k.width + channel, op.headDim)
      }
      softmax(weights)
      for (let index = 0; index < keys.length; index++) {
        const value = keys[index]! * v.width + channel
        for (let i = 0; i < op.headDim; i++) data[from + i]! += weights[index]! * v.data[value + i]!
      }
    }
  }
  return { ...q, data }
}

function dot(a: Float64Array, aStart: number, b: Float64Array, bStart: number, length: number): number {
  let sum = 0
  for (let i = 0; i < length; i++) sum += a[aStart + i]! * b[bStart + i]!
  return sum
}

/** In place. */
function softmax(scores: Float64Array): void {
  const max = scores.reduce((highest, score) => Math.max(highest, score), Number.NEGATIVE_INFINITY)
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp(scores[i]! - max)
  for (let i = 0; i < scores.length; i++) scores[i]! /= sum
}
