// Gears: which there are, and that every row of a batch finds its place in a run and its way back.

import { describe, expect, it } from 'vitest'
import { defaultGears, formatGear, type Gear, type GearTraits, parseGears } from '#qvl/devices/npu/gears.js'
import { inputDims, joinRuns, type NpuLayout, planRuns } from '#qvl/devices/npu/layout.js'
import { estimateWaste } from '#qvl/devices/npu/waste.js'
import type { Span } from '#qvl/program/program.js'
import { random } from '../../support/random.js'
import { spansOf } from '../support.js'

const decoder: GearTraits = { causal: true, poolsOne: true, takesVisual: false, merged: 1 }
const images: GearTraits = { ...decoder, takesVisual: true }
const encoder: GearTraits = { causal: false, poolsOne: false, takesVisual: false, merged: 1 }
const tower: GearTraits = { causal: false, poolsOne: false, takesVisual: false, merged: 4 }

describe('defaultGears', () => {
  it.each<[string, GearTraits, number]>([
    ['a decoder', decoder, 4096],
    ['a decoder with images', images, 4096],
    ['an encoder', encoder, 512],
    ['a long encoder', encoder, 8192],
    ['a tower', tower, 7200],
    ['a tower of odd size', tower, 7201],
    ['a short limit', encoder, 40],
    ['a limit of one', decoder, 1],
  ])('%s', (_, traits, maxRows) => {
    const gears = defaultGears(traits, maxRows)
    expect(gears.length).toBeGreaterThanOrEqual(2)
    expect(gears.length).toBeLessThanOrEqual(13)
    expect(new Set(gears.map(formatGear)).size).toBe(gears.length)
    expect(Math.max(...gears.map(({ rows }) => rows))).toBe(Math.ceil(maxRows / traits.merged) * traits.merged)
    expect(gears.every(({ rows }) => rows % traits.merged === 0)).toBe(true)
    // The longest sequence has a place even when all of its rows are pooled or hold features.
    const longest = gears.filter(({ rows }) => rows >= maxRows)
    if (traits.merged === 1) expect(longest.some(({ pooled, rows }) => pooled === rows)).toBe(true)
    if (traits.takesVisual) expect(longest.some(({ visual, rows }) => visual >= rows)).toBe(true)
    if (maxRows >= 512) expect(estimateWaste(gears, traits)).toBeLessThan(0.5)
  })
})

describe('parseGears', () => {
  it.each<[string, GearTraits, string]>([
    ['8x512,1x4096', decoder, '8x512x1x1,1x4096x1x1'],
    ['8x512, 1x4096 ', encoder, '8x512x512x1,1x4096x4096x1'],
    ['8x512,2x512x1x1024', images, '8x512x1x1,2x512x1x1024'],
    ['1x1024,8x512', images, '1x1024x1x1,8x512x1x1,1x1024x1x1024'],
    ['8x512,8x512x512', decoder, '8x512x1x1,8x512x512x1'],
    ['8x64,1x256', tower, '8x64x1x1,1x256x1x1'],
  ])('%s', (text, traits, expected) => {
    expect(parseGears(text, traits).map(formatGear).join()).toBe(expected)
  })

  it.each<[string, GearTraits, string]>([
    ['', decoder, 'sequences x rows'],
    ['8', decoder, 'sequences x rows'],
    ['0x64,1x1', decoder, 'sequences x rows'],
    ['8x64x1x1x1,1x1', decoder, 'sequences x rows'],
    ['axb,1x1', decoder, 'sequences x rows'],
    ['8x64', decoder, '2 to 100 gears, and these are 1'],
    ['8x64,8x64', decoder, 'these are 1'],
    ['100000x64,1x1', decoder, 'more than 65536 rows'],
    ['8x66,1x4', tower, 'multiples of 4'],
    ['1x64x65,1x1', decoder, 'more to take than rows'],
    [Array.from({ length: 101 }, (_, i) => `1x${i + 1}`).join(), decoder, 'these are 101'],
  ])('refuses %s', (text, traits, why) => {
    expect(() => parseGears(text, traits)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(why) }),
    )
  })
})

/** Takes a number for each row and gives the same numbers out again, by token, by pooled row and by feature. */
const echo = (gears: readonly Gear[]): NpuLayout => ({
  traits: images,
  spans: 'spans',
  packed: 'tokens',
  programInputs: [
    { name: 'ids', kind: 'i32', rows: 'tokens', width: 1, value: 0 },
    { name: 'x', kind: 'f32', rows: 'tokens', width: 2, value: 1 },
    { name: 'pooled', kind: 'i32', rows: 'pooled', width: 1, value: 2 },
    { name: 'visualRows', kind: 'i32', rows: 'visual', width: 1, value: 3 },
    { name: 'visual', kind: 'f32', rows: 'visual', width: 1, value: 4 },
    { name: 'spans', kind: 'spans' },
  ],
  inputs: [
    { name: 'ids', type: 'int32', dims: ['sequences', 'rows'], feed: { kind: 'rows', input: 'ids', width: 1 } },
    { name: 'x', type: 'float32', dims: ['sequences', 'rows', 2], feed: { kind: 'rows', input: 'x', width: 2 } },
    { name: 'pooled', type: 'int32', dims: ['sequences', 'pooled'], feed: { kind: 'pooled', input: 'pooled' } },
    { name: 'pooledAt', type: 'int32', dims: ['sequences', 'pooled'], feed: { kind: 'pooledAt', input: 'pooled' } },
    { name: 'lengths', type: 'int32', dims: ['sequences'], feed: { kind: 'lengths' } },
    { name: 'order', type: 'int32', dims: ['rows'], feed: { kind: 'order' } },
    { name: 'visual', type: 'float32', dims: ['visual', 1], feed: { kind: 'visual', input: 'visual', width: 1 } },
    {
      name: 'visualIndex',
      type: 'int32',
      dims: ['sequences', 'rows'],
      feed: { kind: 'visualIndex', input: 'visualRows' },
    },
  ],
  outputs: [
    { name: 'tokens', output: 'out.tokens', rows: 'tokens', width: 2 },
    { name: 'pooled', output: 'out.pooled', rows: 'pooled', width: 2 },
  ],
  gears,
})

/** What a graph would do: rows plus their features, and the pooled ones of them. */
function computeEcho(layout: NpuLayout, run: ReturnType<typeof planRuns>[number]): void {
  const { x, ids, pooled, pooledAt, lengths, order, visual, visualIndex } = run.inputs
  expect([...order!]).toEqual([...Array(run.gear.rows).keys()])
  expect(run.dims).toEqual(layout.inputs.flatMap(({ dims }) => inputDims(dims, run.gear)))
  expect(visual![0]).toBe(0)
  const tokens = run.outputs['out.tokens']!
  for (let row = 0; row < ids!.length; row++) {
    const isReal = row % run.gear.rows < lengths![Math.floor(row / run.gear.rows)]!
    if (!isReal) expect([ids![row], x![2 * row], visualIndex![row]]).toEqual([0, 0, 0])
    tokens[2 * row] = x![2 * row]! + ids![row]!
    tokens[2 * row + 1] = visual![visualIndex![row]!]!
  }
  for (const [slot, row] of pooled!.entries()) {
    if (row > 0) expect(row % run.gear.rows).toBe(pooledAt![slot])
    run.outputs['out.pooled']!.set(tokens.subarray(2 * row, 2 * row + 2), 2 * slot)
  }
}

/** Features on some rows that are not the first of their sequence. */
function randomBatch(next: () => number, maxRows: number) {
  const spans = spansOf(Array.from({ length: 1 + (next() % 24) }, () => 1 + (next() % maxRows)))
  const total = spans.reduce((sum, { rows }) => sum + rows, 0)
  const rowsOf = ({ start, rows }: Span): number[] => Array.from({ length: rows }, (_, i) => start + i)
  const visualRows = spans.flatMap((span) => (next() % 3 === 0 ? rowsOf(span).slice(1) : []))
  const pooled = spans.flatMap((span) => (next() % 4 === 0 ? rowsOf(span) : rowsOf(span).slice(-1)))
  return {
    spans,
    ids: Int32Array.from({ length: total }, (_, i) => i + 1),
    x: Float32Array.from({ length: 2 * total }, (_, i) => i + 0.5),
    // Some other order than that of the rows.
    pooled: Int32Array.from(pooled.reverse()),
    visualRows: Int32Array.from(visualRows),
    visual: Float32Array.from(visualRows, (row) => row + 1000),
  }
}

describe('planRuns and joinRuns', () => {
  const gears = parseGears('16x16,4x64,2x128x1x256,1x256x256x256,3x32x32x96', images)

  it.each(Array.from({ length: 60 }, (_, seed) => seed))('random batch %i', (seed) => {
    const layout = echo(gears)
    const batch = randomBatch(random(seed), 256)
    const runs = planRuns(layout, batch)
    for (const run of runs) computeEcho(layout, run)
    const { tokens, pooled } = joinRuns(layout, runs)
    const featureOf = new Map([...batch.visualRows].map((row, i) => [row, batch.visual[i]!]))
    const expected = (row: number) => [batch.x[2 * row]! + batch.ids[row]!, featureOf.get(row) ?? 0]
    expect([...tokens!.data]).toEqual([...batch.ids.keys()].flatMap(expected))
    expect([...pooled!.data]).toEqual([...batch.pooled].flatMap(expected))
    expect(runs.reduce((sum, { realRows }) => sum + realRows, 0)).toBe(batch.ids.length)
    for (const { gear, paddedRows, realRows } of runs) {
      expect(paddedRows).toBe(gear.sequences * gear.rows)
      expect(realRows).toBeLessThanOrEqual(paddedRows)
    }
  })

  it('takes little room for sequences that fit', () => {
    const layout = echo(parseGears('16x64,8x128,4x256,1x1024', images))
    const spans = spansOf([...Array(16).fill(64), ...Array(8).fill(128), 1024])
    const rows = spans.reduce((sum, each) => sum + each.rows, 0)
    const runs = planRuns(layout, batchOf(spans))
    expect(runs.reduce((sum, { paddedRows }) => sum + paddedRows, 0)).toBe(rows)
    expect(runs).toHaveLength(3)
  })

  it('a batch of nothing is no run', () => {
    const layout = echo(gears)
    const runs = planRuns(layout, batchOf([]))
    expect(runs).toEqual([])
    expect(joinRuns(layout, runs).tokens).toEqual({ rows: 0, width: 2, data: new Float32Array() })
  })

  it.each<[string, readonly Span[], string]>([
    ['a sequence too long', spansOf([257]), 'INPUT_TOO_LONG'],
    ['a shared prefix', spansOf([2, 3], { 1: [0] }), 'DEVICE_FAILED'],
    ['a span to keep', [{ start: 0, rows: 2, chain: [], keep: 1 }], 'DEVICE_FAILED'],
  ])('refuses %s', (_, spans, code) => {
    expect(() => planRuns(echo(gears), batchOf(spans))).toThrow(expect.objectContaining({ code }))
  })
})

function batchOf(spans: readonly Span[]) {
  const total = spans.reduce((sum, { rows }) => sum + rows, 0)
  return {
    spans,
    ids: new Int32Array(total),
    x: new Float32Array(2 * total),
    pooled: Int32Array.from(spans, ({ start, rows }) => start + rows - 1),
    visualRows: new Int32Array(),
    visual: new Float32Array(),
  }
}
