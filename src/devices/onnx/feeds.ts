// Makes the inputs of a lowered program from the inputs of a batch: embedding rows, attention plans, span ends.

import { readRowsFloat32Sync, type Tensor } from '../../checkpoint/weights.js'
import type { ProgramInputs } from '../../program/program.js'
import { planAttention } from './attention-plan.js'
import { Batch, unfit } from './batch.js'
import type { FeedSpec, LoweredProgram } from './lower.js'
import { planInputs } from './lower-attention.js'

export type Feed = { dims: readonly number[] } & (
  | { type: 'float32'; data: Float32Array }
  | { type: 'int32'; data: Int32Array }
)

/** Graph inputs by name. Throws INTERNAL for inputs that do not fit the program. Reads files, blocking. */
export function makeFeeds(
  { inputs, feeds }: Pick<LoweredProgram, 'inputs' | 'feeds'>,
  values: ProgramInputs,
): Map<string, Feed> {
  const batch = new Batch(inputs, values)
  return new Map(feeds.flatMap((spec) => makeFeed(spec, batch)))
}

function makeFeed(spec: FeedSpec, batch: Batch): [string, Feed][] {
  switch (spec.kind) {
    case 'floats': {
      const data = batch.floats(spec.input)
      return [[spec.name, { type: 'float32', dims: [data.length / spec.width, spec.width], data }]]
    }
    case 'integers': {
      const data = batch.integers(spec.input)
      if (spec.distinct && new Set(data).size < data.length) throw unfit(spec.input, 'It names a row twice.')
      return [[spec.name, int32(data)]]
    }
    case 'embedding': {
      const ids = batch.integers(spec.ids)
      const data = embeddingRows(spec.table, ids, spec.width)
      return [[spec.name, { type: 'float32', dims: [ids.length, spec.width], data }]]
    }
    case 'attention':
      return planFeeds(spec, batch)
    case 'spanEnds': {
      const spans = batch.spans(spec.spans, spec.rows)
      const from = Int32Array.from(spans, ({ start }) => start)
      const to = Int32Array.from(spans, ({ start, rows }) => start + rows)
      return [
        [`${spec.name}.from`, int32(from, spans.length, 1)],
        [`${spec.name}.to`, int32(to, spans.length, 1)],
      ]
    }
    default:
      return spec satisfies never
  }
}

/** Rows of the table, each distinct one read once. */
function embeddingRows(table: Tensor, ids: Int32Array, width: number): Float32Array {
  const places = new Map<number, number>()
  for (const id of ids) if (!places.has(id)) places.set(id, places.size)
  const distinct = readRowsFloat32Sync(table, Int32Array.from(places.keys()))
  const rows = new Float32Array(ids.length * width)
  ids.forEach((id, i) => {
    const place = places.get(id)! * width
    rows.set(distinct.subarray(place, place + width), i * width)
  })
  return rows
}

function planFeeds(spec: Extract<FeedSpec, { kind: 'attention' }>, batch: Batch): [string, Feed][] {
  const { causal, heads } = spec
  const spans = batch.spans(spec.spans, spec.rows)
  const queryRows = spec.queryRows === undefined ? undefined : batch.integers(spec.queryRows)
  const numRows = batch.numRows(spec.rows)
  if (queryRows?.some((row) => row < 0 || row >= numRows))
    throw unfit(spec.queryRows!, 'It names a row that is not there.')
  const plan = planAttention({ spans, queryRows, numRows, causal, heads })
  const { numBlocks, height } = plan
  const names = planInputs(spec.name)
  return [
    [names.queries, int32(plan.queries, numBlocks, height)],
    [names.from, int32(plan.from, numBlocks, height, 1)],
    [names.to, int32(plan.to, numBlocks, height, 1)],
    [names.keys, int32(plan.keys)],
    [names.keyOffsets, int32(plan.keyOffsets)],
    [names.chainKeys, int32(plan.chainKeys, numBlocks, 1)],
    [names.keyNumbers, int32(Int32Array.from({ length: plan.maxKeys }, (_, i) => i))],
    [names.places, int32(plan.places)],
  ]
}

const int32 = (data: Int32Array, ...dims: number[]): Feed => ({
  type: 'int32',
  dims: dims.length === 0 ? [data.length] : dims,
  data,
})
