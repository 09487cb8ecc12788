import { expect, it } from 'vitest'
import type { Format } from '#qvl/devices/cpu/native.js'
import type { ProgramBuilder } from '#qvl/program/builder.js'
import type { Activation, ProgramInputs, Span, Value } from '#qvl/program/program.js'
import { maxDifference } from '../../support/golden.js'
import { computed, describeNative, expected, floats, loadNative, programOf, tensor } from './native-addon.js'

interface Case {
  name: string
  rows: number
  width: number
  wire: (p: ProgramBuilder, x: Value) => Value
  inputs?: ProgramInputs
  weights?: Record<string, ReturnType<typeof tensor>>
}

/** Largest difference, as a share of the largest expected number. */
const tolerance: Record<Format, number> = { f32: 2e-6, bf16: 2.5e-2, i8: 5e-2 }
const formats: Format[] = ['f32', 'bf16', 'i8']

const i32 = (...values: number[]): Int32Array => Int32Array.from(values)

const spans: Span[] = [
  { start: 0, rows: 5, chain: [] },
  { start: 5, rows: 60, chain: [0] },
  { start: 65, rows: 1, chain: [0, 1] },
  { start: 66, rows: 9, chain: [0] },
]
const alone = spans.map((span) => ({ ...span, chain: [] }))

const linear = (rows: number, inWidth: number, outWidth: number, activation: Activation, withBias: boolean): Case => ({
  name: `linear ${rows} rows, ${inWidth} to ${outWidth}, ${activation}${withBias ? ', bias' : ''}`,
  rows,
  width: inWidth,
  wire: (p, x) => p.linear(x, 'w', outWidth, { activation, ...(withBias && { bias: 'b' }) }),
  weights: { w: tensor(outWidth, inWidth), b: tensor(outWidth) },
})

const attention = (name: string, width: number, causal: boolean, queryRows?: Int32Array): Case => ({
  name: `attention ${name}`,
  rows: 75,
  width,
  wire: (p, x) => {
    const [k, v] = [p.floats('k', 'tokens', width / 2), p.floats('v', 'tokens', width / 2)]
    const rows = queryRows && p.integers('queryRows', 'pooled')
    const q = rows === undefined ? x : p.gatherRows(x, rows)
    const shape = { heads: 4, kvHeads: 2, headDim: width / 4, causal, scale: 2 / Math.sqrt(width) }
    return p.attention({ q, k, v, spans: p.spans('spans'), ...(rows !== undefined && { queryRows: rows }), ...shape })
  },
  inputs: {
    k: floats((75 * width) / 2),
    v: floats((75 * width) / 2),
    spans: causal ? spans : alone,
    ...(queryRows && { queryRows }),
  },
})

const cases: Case[] = [
  linear(1, 64, 48, 'none', false),
  linear(3, 7, 5, 'gelu_erf', true),
  linear(8, 96, 49, 'gelu_tanh', true),
  linear(131, 33, 100, 'silu', false),
  linear(300, 64, 130, 'tanh', true),
  linear(17, 5000, 50, 'none', true),
  {
    // Rows of a multiple of 4096 bytes lie further apart in memory than they are long.
    name: 'a linear of gathered rows of 4096',
    rows: 9,
    width: 4096,
    wire: (p, x) => {
      const normed = p.rmsNorm(x, 'n', 1e-6)
      const some = p.gatherRows(normed, p.integers('at', 'pooled'))
      return p.add(p.linear(some, 'w', 6), p.gatherRows(p.linear(normed, 'w', 6), p.integers('other', 'pooled')))
    },
    inputs: { at: i32(8, 0, 3), other: i32(1, 1, 7) },
    weights: { n: tensor(4096), w: tensor(6, 4096) },
  },
  {
    name: 'linear with a residual',
    rows: 19,
    width: 40,
    wire: (p, x) => p.add(x, p.linear(p.scale(x, 0.5), 'w', 40)),
    weights: { w: tensor(40, 40) },
  },
  {
    name: 'swiglu of two linears',
    rows: 21,
    width: 50,
    wire: (p, x) => p.swiglu(p.linear(x, 'gate', 99), p.linear(x, 'up', 99)),
    weights: { gate: tensor(99, 50), up: tensor(99, 50) },
  },
  {
    name: 'a gated block over many passes of depth',
    rows: 10,
    width: 4100,
    wire: (p, x) => p.linear(p.swiglu(p.linear(x, 'gate', 51), p.linear(x, 'up', 51)), 'down', 7),
    weights: { gate: tensor(51, 4100), up: tensor(51, 4100), down: tensor(7, 51) },
  },
  {
    name: 'rmsNorm read by a linear and by an add',
    rows: 9,
    width: 31,
    wire: (p, x) => {
      const normed = p.rmsNorm(x, 'n', 1e-6)
      return p.add(normed, p.linear(normed, 'w', 31))
    },
    weights: { n: tensor(31), w: tensor(31, 31) },
  },
  {
    name: 'layerNorm',
    rows: 9,
    width: 31,
    wire: (p, x) => p.layerNorm(x, 'n', 'b', 1e-5),
    weights: { n: tensor(31), b: tensor(31) },
  },
  {
    name: 'headNorm and rotary in one',
    rows: 18,
    width: 60,
    wire: (p, x) => {
      const tables = [p.floats('cos', 'tokens', 10), p.floats('sin', 'tokens', 10)] as const
      return p.rotary(p.headNorm(x, 'n', 20, 1e-6), ...tables, 20)
    },
    inputs: { cos: floats(180), sin: floats(180) },
    weights: { n: tensor(20) },
  },
  { name: 'headNorm', rows: 5, width: 12, wire: (p, x) => p.headNorm(x, 'n', 3, 1e-6), weights: { n: tensor(3) } },
  {
    name: 'rotary',
    rows: 5,
    width: 12,
    wire: (p, x) => p.rotary(x, p.floats('cos', 'tokens', 2), p.floats('sin', 'tokens', 2), 4),
    inputs: { cos: floats(10), sin: floats(10) },
  },
  attention('causal with chains', 64, true),
  attention('in both directions', 64, false),
  attention('with heads of 36', 144, true),
  attention('of some rows', 64, true, i32(74, 3, 64, 65)),
  {
    name: 'embed',
    rows: 1,
    width: 8,
    wire: (p) => p.embed(p.integers('ids', 'visual'), 'table', 13),
    inputs: { ids: i32(0, 6, 6, 2) },
    weights: { table: tensor(7, 13) },
  },
  {
    name: 'gatherRows before a linear',
    rows: 20,
    width: 9,
    wire: (p, x) => p.linear(p.gatherRows(p.rmsNorm(x, 'n', 1e-6), p.integers('at', 'pooled')), 'w', 4),
    inputs: { at: i32(19, 0, 7, 7) },
    weights: { n: tensor(9), w: tensor(4, 9) },
  },
  {
    name: 'scatterRows and addRows',
    rows: 20,
    width: 9,
    wire: (p, x) => {
      const [at, y] = [p.integers('at', 'visual'), p.floats('y', 'visual', 9)]
      return p.addRows(p.scatterRows(x, at, y), at, y)
    },
    inputs: { at: i32(19, 0, 7), y: floats(27) },
  },
  { name: 'swiglu', rows: 5, width: 33, wire: (p, x) => p.swiglu(x, p.scale(x, -2)) },
  { name: 'add', rows: 40, width: 3, wire: (p, x) => p.add(x, p.scale(x, 0.25)) },
  { name: 'normalize', rows: 40, width: 3, wire: (p, x) => p.normalize(x) },
  {
    name: 'mean',
    rows: 75,
    width: 70,
    wire: (p, x) => p.mean(x, p.spans('spans'), 'pooled'),
    inputs: { spans },
  },
  { name: 'no rows at all', rows: 0, width: 16, wire: (p, x) => p.linear(x, 'w', 4), weights: { w: tensor(4, 16) } },
]

describeNative('the steps of the cpu device', () => {
  it.each(cases)('$name', async ({ rows, width, wire, inputs, weights }) => {
    const program = programOf(width, wire)
    const job = {
      program,
      weights: new Map(Object.entries(weights ?? {})),
      inputs: { x: floats(rows * width), ...inputs },
    }
    const wanted = await expected(job)
    const largest = wanted.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
    for (const format of formats) {
      const [one, ...others] = await computed(loadNative(), job, format, [1, 2, 5])
      expect(maxDifference(one!, wanted), format).toBeLessThanOrEqual(tolerance[format] * largest)
      for (const other of others) expect(maxDifference(one!, other), 'threads change nothing').toBe(0)
    }
  })

  it('gives a row the same bits alone and among others', async () => {
    const program = programOf(200, (p, x) => p.linear(p.rmsNorm(x, 'n', 1e-6), 'w', 150))
    const weights = new Map(Object.entries({ n: tensor(200), w: tensor(150, 200) }))
    const x = floats(37 * 200)
    for (const format of formats) {
      const [all] = await computed(loadNative(), { program, weights, inputs: { x } }, format, [2])
      for (const row of [0, 8, 30, 36]) {
        const inputs = { x: x.slice(row * 200, (row + 1) * 200) }
        const [one] = await computed(loadNative(), { program, weights, inputs }, format, [2])
        expect(maxDifference(one!, all!.subarray(row * 150, (row + 1) * 150))).toBe(0)
      }
    }
  })
})
