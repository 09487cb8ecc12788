// What the spans of a batch say about its rows.

import { QvlError } from '../errors.js'
import type { Span } from './program.js'

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

/** The rows that one row of span `number` sees: its chain, then its own span up to and including `last`. */
export function visibleRows(spans: readonly Span[], number: number, last: number | undefined): Int32Array {
  const own = spans[number]!
  const ownRows = last === undefined ? own.rows : last - own.start + 1
  const runs = [...own.chain.map((ancestor) => spans[ancestor]!), { start: own.start, rows: ownRows }]
  const visible = new Int32Array(runs.reduce((sum, { rows }) => sum + rows, 0))
  let at = 0
  for (const { start, rows } of runs) for (let row = start; row < start + rows; row++) visible[at++] = row
  return visible
}
