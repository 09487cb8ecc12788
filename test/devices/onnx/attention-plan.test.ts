import { describe, expect, it } from 'vitest'
import { type AttentionPlan, planAttention } from '#qvl/devices/onnx/attention-plan.js'
import type { Span } from '#qvl/program/program.js'
import { spanNumbers, visibleRows } from '#qvl/program/spans.js'
import { random } from '../../support/random.js'
import { numRows, randomSpanTree, spansOf } from '../support.js'

/** Packed rows that a query sees according to the plan, in the order of their keys. */
function seenRows(plan: AttentionPlan, query: number): number[] {
  const place = plan.places[query]!
  const block = Math.floor(place / plan.height)
  expect(plan.queries[place]).toBe(query)
  const keys = plan.keys.subarray(plan.keyOffsets[block], plan.keyOffsets[block + 1])
  return [...keys].filter(
    (_, key) => key < plan.chainKeys[block]! || (key >= plan.from[place]! && key < plan.to[place]!),
  )
}

function expectVisibleRows(spans: readonly Span[], causal: boolean, queryRows?: Int32Array, heads = 4): AttentionPlan {
  const rows = numRows(spans)
  const plan = planAttention({ spans, queryRows, numRows: rows, causal, heads })
  const spanOfRow = spanNumbers(spans, rows)
  const asking = queryRows ?? Int32Array.from({ length: rows }, (_, row) => row)
  asking.forEach((row, query) => {
    const expected = Array.from(visibleRows(spans, spanOfRow[row]!, causal ? row : undefined))
    expect(seenRows(plan, query)).toEqual(expected)
  })
  expectWellFormed(plan, asking.length)
  return plan
}

function expectWellFormed(plan: AttentionPlan, numQueries: number): void {
  for (const list of [plan.queries, plan.from, plan.to]) expect(list.length).toBe(plan.numBlocks * plan.height)
  expect(Math.max(...plan.queries)).toBe(numQueries - 1)
  expect(plan.keyOffsets.at(-1)).toBe(plan.keys.length)
  // A padding row sees something too: a softmax over nothing has no value.
  plan.to.forEach((to, place) => {
    const block = Math.floor(place / plan.height)
    expect(plan.chainKeys[block]! + to - plan.from[place]!).toBeGreaterThan(0)
  })
}

describe('planAttention', () => {
  it.each<[string, Span[]]>([
    ['one row', spansOf([1])],
    ['one short span', spansOf([5])],
    ['a span longer than a block', spansOf([300])],
    ['many short spans', spansOf(Array.from({ length: 40 }, () => 7))],
    ['short and long', spansOf([1, 200, 3, 90, 129, 128, 2])],
    ['a shared prefix', spansOf([20, 30, 5, 140, 1], { 1: [0], 2: [0], 3: [0], 4: [0] })],
    ['a chain of chains', spansOf([4, 3, 2, 6, 5], { 1: [0], 2: [0, 1], 3: [0, 1], 4: [0] })],
  ])('%s', (_, spans) => {
    expectVisibleRows(spans, true)
    expectVisibleRows(spans, false)
  })

  it('random prefix trees, with all rows asking and with some', () => {
    const next = random(7)
    for (let round = 0; round < 40; round++) {
      const spans = randomSpanTree(next, 1 + (next() % 12), round % 2 === 0 ? 12 : 160)
      const some = Int32Array.from({ length: 1 + (next() % 9) }, () => next() % numRows(spans))
      for (const causal of [true, false]) {
        expectVisibleRows(spans, causal)
        expectVisibleRows(spans, causal, some)
      }
    }
  })

  it('joins short spans behind the same chain into one block', () => {
    const spans = spansOf([20, 8, 8, 8, 8], { 1: [0], 2: [0], 3: [0], 4: [0] })
    expect(expectVisibleRows(spans, true).numBlocks).toBe(2)
  })

  it('wastes little on padding when one span is long and many are short', () => {
    const spans = spansOf([2000, ...Array.from({ length: 500 }, () => 10)])
    const plan = planAttention({ spans, numRows: numRows(spans), causal: true, heads: 16 })
    expect(plan.numBlocks * plan.height).toBeLessThan(1.3 * numRows(spans))
  })

  it('bounds the scores held at once', () => {
    const spans = spansOf([20_000])
    const plan = planAttention({ spans, numRows: 20_000, causal: true, heads: 32 })
    expect(32 * plan.height * plan.maxKeys).toBeLessThanOrEqual(2 ** 25)
  })
})
