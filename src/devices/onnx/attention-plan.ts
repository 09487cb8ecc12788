// Splits attention over packed rows into blocks: which rows ask together, and which rows they read.
//
// A block is a run of query rows that share their keys, so that scores are one small matrix per head and never
// [tokens, tokens]. A long span is several blocks; short spans behind the same chain share one, and each row sees its
// own part of the keys. Blocks are padded to one height because a loop stacks its results.

import type { Span } from '../../program/program.js'
import { spanNumbers } from '../../program/spans.js'

/** Block heights to choose from. More rows read the keys less often; beyond 128 nothing is gained. */
const heights = [1, 2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128]
/** Short spans share a block up to this many rows of their own, which bounds the scores computed in vain. */
const maxSharedRows = 128
/** Scores held at once, all heads together: 128 MiB. */
const maxScores = 2 ** 25
/** Gathering one key costs about as much as computing this many of its scores. */
const gatherCost = 32

export interface AttentionBatch {
  spans: readonly Span[]
  /** Packed row of each query; absent when every packed row asks. */
  queryRows?: Int32Array | undefined
  numRows: number
  causal: boolean
  heads: number
}

/**
 * Keys of a block are numbered from 0: first the chain, which all its rows see, then the rows of its own spans, of which
 * a row sees the numbers from `from` up to but not including `to`.
 */
export interface AttentionPlan {
  numBlocks: number
  /** Rows per block. */
  height: number
  /** [numBlocks, height]: which query; the first of the block again where there are fewer. */
  queries: Int32Array
  from: Int32Array
  to: Int32Array
  /** Packed rows of all keys, block after block, and where each block's keys begin: [numBlocks + 1]. */
  keys: Int32Array
  keyOffsets: Int32Array
  /** Keys of the chain in each block. */
  chainKeys: Int32Array
  /** Most keys in a block. */
  maxKeys: number
  /** [queries]: where in the stacked blocks the answer for each query is. */
  places: Int32Array
}

export function planAttention(batch: AttentionBatch): AttentionPlan {
  const runs = queryRuns(batch)
  const [lowest, ...others] = heights.map((height) => divide(runs, height, batch.causal))
  const fitting = others.filter(({ height, maxKeys }) => batch.heads * height * maxKeys <= maxScores)
  return fill(
    batch,
    fitting.reduce((best, division) => (division.cost < best.cost ? division : best), lowest!),
  )
}

/** Queries of one span, in the order of their packed rows. */
interface Run {
  span: Span
  queries: readonly Query[]
  chainKeys: number
  /** Own rows that any of the queries sees. */
  ownKeys: number
}

interface Query {
  index: number
  row: number
}

function queryRuns({ spans, queryRows, numRows, causal }: AttentionBatch): Run[] {
  const spanOfRow = spanNumbers(spans, numRows)
  const queriesOfSpan = spans.map((): Query[] => [])
  for (let index = 0; index < (queryRows?.length ?? numRows); index++) {
    const row = queryRows === undefined ? index : queryRows[index]!
    queriesOfSpan[spanOfRow[row]!]!.push({ index, row })
  }
  return spans.flatMap((span, number) => {
    const queries = queriesOfSpan[number]!.sort((a, b) => a.row - b.row)
    const chainKeys = span.chain.reduce((sum, ancestor) => sum + spans[ancestor]!.rows, 0)
    return queries.length === 0 ? [] : [{ span, queries, chainKeys, ownKeys: ownKeys(span, queries, causal) }]
  })
}

const ownKeys = (span: Span, queries: readonly Query[], causal: boolean): number =>
  causal ? queries.at(-1)!.row - span.start + 1 : span.rows

/** A way to cut and join runs into blocks: a block is one or more runs, or parts of one, behind the same chain. */
interface Division {
  blocks: Run[][]
  height: number
  maxKeys: number
  cost: number
}

function divide(runs: readonly Run[], maxHeight: number, causal: boolean): Division {
  const blocks: Run[][] = []
  for (const run of runs) {
    const last = blocks.at(-1)
    if (last !== undefined && joins(run, last, maxHeight)) last.push(run)
    else blocks.push(...cut(run, maxHeight, causal).map((part) => [part]))
  }
  const height = blocks.reduce((max, block) => Math.max(max, numQueries(block)), 0)
  const maxKeys = blocks.reduce((max, block) => Math.max(max, numKeys(block)), 0)
  const cost = blocks.reduce((sum, block) => sum + (height + gatherCost) * (numKeys(block) + gatherCost), 0)
  return { blocks, height, maxKeys, cost }
}

function joins(run: Run, block: readonly Run[], maxHeight: number): boolean {
  const { chain } = block[0]!.span
  return (
    numQueries(block) + run.queries.length <= maxHeight &&
    numKeys(block) - block[0]!.chainKeys + run.ownKeys <= maxSharedRows &&
    chain.length === run.span.chain.length &&
    chain.every((ancestor, i) => ancestor === run.span.chain[i])
  )
}

/** A run in parts of nearly equal height. */
function cut(run: Run, maxHeight: number, causal: boolean): Run[] {
  const numParts = Math.ceil(run.queries.length / maxHeight)
  return Array.from({ length: numParts }, (_, part) => {
    const from = Math.floor((part * run.queries.length) / numParts)
    const to = Math.floor(((part + 1) * run.queries.length) / numParts)
    const queries = run.queries.slice(from, to)
    return { ...run, queries, ownKeys: ownKeys(run.span, queries, causal) }
  })
}

const numQueries = (block: readonly Run[]): number => block.reduce((sum, run) => sum + run.queries.length, 0)

const numKeys = (block: readonly Run[]): number => block.reduce((sum, run) => sum + run.ownKeys, block[0]!.chainKeys)

function fill(batch: AttentionBatch, { blocks, height, maxKeys }: Division): AttentionPlan {
  const plan: AttentionPlan = {
    numBlocks: blocks.length,
    height,
    queries: new Int32Array(blocks.length * height),
    from: new Int32Array(blocks.length * height),
    to: new Int32Array(blocks.length * height),
    keys: new Int32Array(blocks.reduce((sum, block) => sum + numKeys(block), 0)),
    keyOffsets: new Int32Array(blocks.length + 1),
    chainKeys: Int32Array.from(blocks, (block) => block[0]!.chainKeys),
    maxKeys,
    places: new Int32Array(batch.queryRows?.length ?? batch.numRows),
  }
  blocks.forEach((block, number) => {
    fillQueries(plan, number, block, batch.causal)
    fillKeys(plan, number, block, batch.spans)
  })
  return plan
}

function fillQueries(plan: AttentionPlan, number: number, block: readonly Run[], causal: boolean): void {
  const begin = number * plan.height
  let place = begin
  let key = block[0]!.chainKeys
  for (const { span, queries, ownKeys } of block) {
    for (const { index, row } of queries) {
      plan.queries[place] = index
      plan.from[place] = key
      plan.to[place] = key + (causal ? row - span.start + 1 : span.rows)
      plan.places[index] = place++
    }
    key += ownKeys
  }
  for (const list of [plan.queries, plan.from, plan.to]) list.fill(list[begin]!, place, begin + plan.height)
}

function fillKeys(plan: AttentionPlan, number: number, block: readonly Run[], spans: readonly Span[]): void {
  let at = plan.keyOffsets[number]!
  const append = (start: number, rows: number): void => {
    for (let row = start; row < start + rows; row++) plan.keys[at++] = row
  }
  for (const ancestor of block[0]!.span.chain) append(spans[ancestor]!.start, spans[ancestor]!.rows)
  for (const { span, ownKeys } of block) append(span.start, ownKeys)
  plan.keyOffsets[number + 1] = at
}
