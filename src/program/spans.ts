// What the spans of a batch say about its rows.

import { QvlError } from '../errors.js'
import type { Span } from './program.js'

/**
 * The span of every packed row, for devices that keep none. Throws INTERNAL where spans leave a gap or overlap, and
 * DEVICE_FAILED where one is to be kept, or was.
 */
export function spanNumbers(spans: readonly Span[], rows: number): Int32Array {
  refuseKept(spans)
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

/** Throws DEVICE_FAILED where a span is to be kept, or was. */
export function refuseKept(spans: readonly Span[]): void {
  if (spans.every(({ keep, kept }) => keep === undefined && kept === undefined)) return
  throw new QvlError('DEVICE_FAILED', {
    what: 'A batch names spans to keep, or kept ones.',
    why: 'This device or this operation has no memory for spans beyond their batch.',
    do: 'Report this with --debug.',
  })
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
