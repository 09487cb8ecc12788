// Attention of the reference interpreter: each query row against the rows it may see, one softmax at a time.

import { QvlError } from '../errors.js'
import type { Matrix } from './interpreter-math.js'
import type { AttentionOp, Span } from './program.js'

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
    for (let head = 0; head < op.heads; head++) {
      const from = query * q.width + head * op.headDim
      const channel = Math.floor(head / group) * op.headDim
      const weights = softmax(
        keys.map((key) => op.scale * dot(q.data, from, k.data, key * k.width + channel, op.headDim)),
      )
      keys.forEach((key, index) => {
        for (let i = 0; i < op.headDim; i++) data[from + i]! += weights[index]! * v.data[key * v.width + channel + i]!
      })
    }
  }
  return { ...q, data }
}

/** The rows that one row of span `number` sees: its chain, then its own span up to and including `last`. */
export function visibleRows(spans: readonly Span[], number: number, last: number | undefined): number[] {
  const own = spans[number]!
  const rows = own.chain.flatMap((ancestor) => range(spans[ancestor]!.start, spans[ancestor]!.rows))
  const ownRows = last === undefined ? own.rows : last - own.start + 1
  return rows.concat(range(own.start, ownRows))
}

/** The span of every packed row. Throws where spans leave a gap or overlap. */
export function spanNumbers(spans: readonly Span[], rows: number): Int32Array {
  const numbers = new Int32Array(rows)
  let next = 0
  spans.forEach((span, index) => {
    if (span.start !== next || span.rows < 1 || span.chain.some((ancestor) => ancestor >= index)) {
      throw new QvlError('INTERNAL', { what: `Span ${index} of a batch is malformed.` })
    }
    next = span.start + span.rows
    numbers.fill(index, span.start, next)
  })
  if (next !== rows) throw new QvlError('INTERNAL', { what: `Spans cover ${next} of ${rows} rows.` })
  return numbers
}

const range = (start: number, count: number): number[] => Array.from({ length: count }, (_, i) => start + i)

function dot(a: Float64Array, aStart: number, b: Float64Array, bStart: number, length: number): number {
  let sum = 0
  for (let i = 0; i < length; i++) sum += a[aStart + i]! * b[bStart + i]!
  return sum
}

function softmax(scores: readonly number[]): number[] {
  let max = -Infinity
  for (const score of scores) max = Math.max(max, score)
  const exponentials = scores.map((score) => Math.exp(score - max))
  const sum = exponentials.reduce((total, value) => total + value, 0)
  return exponentials.map((value) => value / sum)
}
