import { describe, expect, it } from 'vitest'
import type { WeightTable } from '#qvl/checkpoint/weights.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import { interpret } from '#qvl/program/interpreter.js'
import type { ProgramInputs, Span, Value } from '#qvl/program/program.js'
import { maxDifference } from '../support/golden.js'

const weights = (tensors: Record<string, { shape: number[]; data: number[] }>): WeightTable =>
  new Map(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { dtype: 'F32' as const, shape, data: Float32Array.from(data) },
    ]),
  )

const f32 = (...values: number[]): Float32Array => Float32Array.from(values)
const i32 = (...values: number[]): Int32Array => Int32Array.from(values)

interface Case {
  name: string
  wire: (p: ProgramBuilder, x: Value) => Value
  x?: Float32Array
  inputs?: ProgramInputs
  tensors?: Record<string, { shape: number[]; data: number[] }>
  expected: number[]
}

/** Worked out by hand, on x = [[1, 2], [3, −4]]. */
const cases: Case[] = [
  {
    name: 'embed',
    wire: (p) => p.embed(p.integers('ids', 'tokens'), 'table', 2),
    inputs: { ids: i32(2, 0) },
    tensors: { table: { shape: [3, 2], data: [1, 2, 3, 4, 5, 6] } },
    expected: [5, 6, 1, 2],
  },
  {
    name: 'scatterRows',
    wire: (p, x) => p.scatterRows(x, p.integers('rows', 'visual'), p.floats('y', 'visual', 2)),
    inputs: { rows: i32(1), y: f32(7, 8) },
    expected: [1, 2, 7, 8],
  },
  {
    name: 'addRows',
    wire: (p, x) => p.addRows(x, p.integers('rows', 'visual'), p.floats('y', 'visual', 2)),
    inputs: { rows: i32(0), y: f32(7, 8) },
    expected: [8, 10, 3, -4],
  },
  {
    name: 'gatherRows',
    wire: (p, x) => p.gatherRows(x, p.integers('rows', 'pooled')),
    inputs: { rows: i32(1, 1, 0) },
    expected: [3, -4, 3, -4, 1, 2],
  },
  {
    name: 'linear with bias',
    wire: (p, x) => p.linear(x, 'w', 1, { bias: 'b' }),
    tensors: { w: { shape: [1, 2], data: [10, 1] }, b: { shape: [1], data: [0.5] } },
    expected: [12.5, 26.5],
  },
  {
    name: 'linear with exact GELU',
    wire: (p, x) => p.linear(x, 'w', 1, { activation: 'gelu_erf' }),
    tensors: { w: { shape: [1, 2], data: [1, 0] } },
    expected: [0.8413447460685429, 2.99595030590511],
  },
  {
    name: 'linear with tanh GELU',
    wire: (p, x) => p.linear(x, 'w', 1, { activation: 'gelu_tanh' }),
    tensors: { w: { shape: [1, 2], data: [1, 0] } },
    expected: [0.8411919906082768, 2.996362607918227],
  },
  {
    name: 'rmsNorm',
    wire: (p, x) => p.rmsNorm(x, 'w', 0),
    tensors: { w: { shape: [2], data: [1, 2] } },
    expected: [1 / Math.sqrt(2.5), 4 / Math.sqrt(2.5), 3 / Math.sqrt(12.5), -8 / Math.sqrt(12.5)],
  },
  {
    name: 'headNorm over heads of one channel',
    wire: (p, x) => p.headNorm(x, 'w', 1, 0),
    tensors: { w: { shape: [1], data: [3] } },
    expected: [3, 3, 3, -3],
  },
  {
    name: 'layerNorm',
    wire: (p, x) => p.layerNorm(x, 'w', 'b', 0),
    tensors: { w: { shape: [2], data: [1, 1] }, b: { shape: [2], data: [0, 5] } },
    expected: [-1, 6, 1, 4],
  },
  {
    name: 'rotary by a quarter turn',
    wire: (p, x) => p.rotary(x, p.floats('cos', 'tokens', 1), p.floats('sin', 'tokens', 1), 2),
    inputs: { cos: f32(0, 1), sin: f32(1, 0) },
    expected: [-2, 1, 3, -4],
  },
  {
    name: 'swiglu',
    wire: (p, x) => p.swiglu(x, x),
    expected: [0.7310585786300049, 3.523188311911529, 8.5731671414019, 0.28777935939346494],
  },
  { name: 'add', wire: (p, x) => p.add(x, x), expected: [2, 4, 6, -8] },
  { name: 'scale', wire: (p, x) => p.scale(x, 0.5), expected: [0.5, 1, 1.5, -2] },
  {
    name: 'mean',
    wire: (p, x) => p.mean(x, p.spans('spans'), 'pooled'),
    inputs: { spans: [{ start: 0, rows: 2, chain: [] }] },
    expected: [2, -1],
  },
  {
    name: 'normalize',
    wire: (p, x) => p.normalize(x),
    expected: [1 / Math.sqrt(5), 2 / Math.sqrt(5), 0.6, -0.8],
  },
]

describe('the reference interpreter', () => {
  it.each(cases)('$name', async ({ wire, inputs, tensors, expected }) => {
    const p = new ProgramBuilder()
    const x = p.floats('x', 'tokens', 2)
    p.output('out', wire(p, x))
    const outputs = await interpret(p.build(), weights(tensors ?? {}), { x: f32(1, 2, 3, -4), ...inputs })
    expect(maxDifference(outputs.out!.data, expected)).toBeLessThan(1e-6)
  })

  it('attends to the chain, to earlier rows of the own span, and to nothing else', async () => {
    // Values are powers of ten and all scores are equal, so a mean of values tells which rows were seen.
    const spans: Span[] = [
      { start: 0, rows: 2, chain: [] },
      { start: 2, rows: 1, chain: [0] },
      { start: 3, rows: 2, chain: [0] },
    ]
    const attention = async (causal: boolean, queryRows?: Int32Array): Promise<number[]> => {
      const p = new ProgramBuilder()
      const q = p.floats('q', queryRows ? 'pooled' : 'tokens', 1)
      const [k, v] = [p.floats('k', 'tokens', 1), p.floats('v', 'tokens', 1)]
      const rows = queryRows && { queryRows: p.integers('queryRows', 'pooled') }
      const shape = { heads: 1, kvHeads: 1, headDim: 1, causal, scale: 1 }
      p.output('out', p.attention({ q, k, v, spans: p.spans('spans'), ...rows, ...shape }))
      const zeros = new Float32Array(5)
      const inputs = { q: queryRows ? new Float32Array(queryRows.length) : zeros, k: zeros, spans }
      const values = f32(1, 10, 100, 1000, 10000)
      const outputs = await interpret(p.build(), new Map(), { ...inputs, v: values, ...(queryRows && { queryRows }) })
      return [...outputs.out!.data]
    }
    expect(await attention(true)).toEqual([1, 5.5, 37, 337, 2752.75].map(Math.fround))
    expect(await attention(true, i32(4, 2))).toEqual([2752.75, 37])
    expect((await attention(false))[3]).toBe(2752.75)
  })

  it('refuses spans that leave a gap', async () => {
    const p = new ProgramBuilder()
    const x = p.floats('x', 'tokens', 1)
    const shape = { heads: 1, kvHeads: 1, headDim: 1, causal: true, scale: 1 }
    p.output('out', p.attention({ q: x, k: x, v: x, spans: p.spans('spans'), ...shape }))
    const run = interpret(p.build(), new Map(), { x: f32(1, 2), spans: [{ start: 0, rows: 1, chain: [] }] })
    await expect(run).rejects.toMatchObject({ code: 'INTERNAL' })
  })
})

describe('the program builder', () => {
  it.each([
    ['widths that differ', (p: ProgramBuilder) => p.add(p.floats('a', 'tokens', 2), p.floats('b', 'tokens', 3))],
    ['rows that differ', (p: ProgramBuilder) => p.add(p.floats('a', 'tokens', 2), p.floats('b', 'pooled', 2))],
    ['half heads', (p: ProgramBuilder) => p.headNorm(p.floats('a', 'tokens', 3), 'w', 2, 0)],
  ])('refuses %s', (_, wire) => {
    expect(() => wire(new ProgramBuilder())).toThrowError(/wires/)
  })
})
