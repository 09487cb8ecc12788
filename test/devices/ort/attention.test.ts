import { beforeAll, describe, expect, it } from 'vitest'
import type { Device } from '#qvl/devices/device.js'
import { openDevice } from '#qvl/devices/open-device.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import { interpret } from '#qvl/program/interpreter.js'
import type { Program, ProgramInputs, Span } from '#qvl/program/program.js'
import { random, randomFloats } from '../../support/random.js'
import { expectClose, numRows, randomSpanTree, spansOf } from '../support.js'

interface Shape {
  heads: number
  kvHeads: number
  headDim: number
  causal: boolean
  /** Whether only some rows ask. */
  queryRows: boolean
}

const next = random(23)

function attentionProgram({ heads, kvHeads, headDim, causal, queryRows }: Shape): Program {
  const p = new ProgramBuilder()
  const q = p.floats('q', queryRows ? 'pooled' : 'tokens', heads * headDim)
  const k = p.floats('k', 'tokens', kvHeads * headDim)
  const v = p.floats('v', 'tokens', kvHeads * headDim)
  const asking = queryRows ? { queryRows: p.integers('rows', 'pooled') } : {}
  const spec = { q, k, v, spans: p.spans('spans'), ...asking, heads, kvHeads, headDim, causal, scale: headDim ** -0.5 }
  p.output('mixed', p.attention(spec))
  return p.build()
}

function attentionInputs({ heads, kvHeads, headDim, queryRows }: Shape, spans: readonly Span[]): ProgramInputs {
  const rows = numRows(spans)
  // Factors spread the scores, so that a key seen or missed by mistake shows.
  const floats = (count: number, width: number, factor: number): Float32Array =>
    randomFloats(next, count * width).map((x) => x * factor)
  const asking = Int32Array.from({ length: queryRows ? 5 : rows }, () => next() % rows)
  return {
    q: floats(asking.length, heads * headDim, 4),
    k: floats(rows, kvHeads * headDim, 2),
    v: floats(rows, kvHeads * headDim, 1),
    ...(queryRows ? { rows: asking } : {}),
    spans,
  }
}

const batches = (): Span[][] => [
  spansOf([1]),
  spansOf([5, 9, 1, 30]),
  spansOf([150, 3]),
  spansOf([20, 30, 5, 140, 1], { 1: [0], 2: [0], 3: [0], 4: [0] }),
  randomSpanTree(next, 9, 20),
  randomSpanTree(next, 6, 90),
]

describe('attention on ort equals the reference', () => {
  let device: Device
  beforeAll(async () => {
    device = await openDevice('ort')
  })

  it.each<Shape>([
    { heads: 4, kvHeads: 2, headDim: 128, causal: true, queryRows: false },
    { heads: 4, kvHeads: 2, headDim: 128, causal: true, queryRows: true },
    { heads: 6, kvHeads: 1, headDim: 32, causal: true, queryRows: false },
    { heads: 3, kvHeads: 3, headDim: 72, causal: false, queryRows: false },
    { heads: 3, kvHeads: 3, headDim: 64, causal: false, queryRows: true },
    { heads: 1, kvHeads: 1, headDim: 64, causal: true, queryRows: false },
  ])('$heads heads over $kvHeads of $headDim, causal $causal, some rows asking $queryRows', async (shape) => {
    const program = attentionProgram(shape)
    await using loaded = await device.load(program, new Map(), {})
    for (const spans of batches()) {
      const inputs = attentionInputs(shape, spans)
      expectClose(await loaded.run(inputs), await interpret(program, new Map(), inputs))
    }
  })

  it('a sequence gives the same numbers alone, packed, and behind a shared prefix', async () => {
    const shape = { heads: 4, kvHeads: 2, headDim: 64, causal: true, queryRows: false }
    await using loaded = await device.load(attentionProgram(shape), new Map(), {})
    const both = attentionInputs(shape, spansOf([10, 12, 40], { 1: [0], 2: [0] }))
    const together = (await loaded.run(both)).mixed!
    const rows = [...Array(10).keys(), ...Array.from({ length: 40 }, (_, i) => 22 + i)]
    const pick = (name: string): Float32Array => {
      const all = both[name] as Float32Array
      const width = all.length / 62
      return Float32Array.from(rows.flatMap((row) => [...all.subarray(row * width, (row + 1) * width)]))
    }
    const alone = (await loaded.run({ q: pick('q'), k: pick('k'), v: pick('v'), spans: spansOf([50]) })).mixed!
    const difference = alone.data
      .subarray(10 * 256)
      .reduce((max, value, i) => Math.max(max, Math.abs(value - together.data[22 * 256 + i]!)), 0)
    expect(difference).toBeLessThan(1e-5)
  })
})
