import { expect, it } from 'vitest'
import type { NativeInputs, Plan } from '#qvl/devices/cpu/native.js'
import { makePlan } from '#qvl/devices/cpu/plan.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import { random } from '../../support/random.js'
import { describeNative, flatSpans, floats, loadNative, tensor } from './native-addon.js'

const [width, heads, headDim] = [16, 2, 8]

/** A plan with every kind of step. */
function wholePlan(): Plan {
  const p = new ProgramBuilder()
  const ids = p.integers('ids', 'tokens')
  const [cos, sin] = [p.floats('cos', 'tokens', headDim / 2), p.floats('sin', 'tokens', headDim / 2)]
  const spans = p.spans('spans')
  const [at, y] = [p.integers('at', 'visual'), p.floats('y', 'visual', width)]
  const pooled = p.integers('pooled', 'pooled')
  const placed = p.addRows(p.scatterRows(p.embed(ids, 'table', width), at, y), at, y)
  const normed = p.layerNorm(placed, 'norm', 'bias', 1e-6)
  const q = p.rotary(p.headNorm(p.linear(normed, 'wq', width), 'head', headDim, 1e-6), cos, sin, headDim)
  const [k, v] = [p.linear(normed, 'wk', headDim), p.linear(normed, 'wv', headDim)]
  const shape = { heads, kvHeads: 1, headDim, causal: true, scale: 1 }
  const mixed = p.add(placed, p.linear(p.attention({ q, k, v, spans, ...shape }), 'wo', width))
  const gated = p.swiglu(p.linear(mixed, 'wg', 20), p.linear(mixed, 'wu', 20))
  const rows = p.gatherRows(p.linear(gated, 'wd', width, { bias: 'bias', activation: 'silu' }), pooled)
  p.output('out', p.normalize(p.scale(p.add(rows, p.swiglu(rows, rows)), 2)))
  p.output('mean', p.mean(mixed, p.spans('groups'), 'patches'))
  const square = Object.fromEntries(['wq', 'wo'].map((name) => [name, tensor(width, width)]))
  const narrow = Object.fromEntries(['wk', 'wv'].map((name) => [name, tensor(headDim, width)]))
  const block = { wg: tensor(20, width), wu: tensor(20, width), wd: tensor(width, 20) }
  const vectors = { norm: tensor(width), bias: tensor(width), head: tensor(headDim) }
  const weights = new Map(Object.entries({ table: tensor(30, width), ...square, ...narrow, ...block, ...vectors }))
  return makePlan(p.build(), weights, { products: 'bf16' })
}

const i32 = (...values: number[]): Int32Array => Int32Array.from(values)

const wholeInputs = (): NativeInputs => ({
  ids: i32(1, 2, 3, 4, 29),
  cos: floats((5 * headDim) / 2),
  sin: floats((5 * headDim) / 2),
  spans: flatSpans([
    { start: 0, rows: 2, chain: [] },
    { start: 2, rows: 3, chain: [0] },
  ]),
  at: i32(4, 0),
  y: floats(2 * width),
  pooled: i32(4),
  groups: flatSpans([{ start: 1, rows: 3, chain: [] }]),
})

const native = (): ReturnType<typeof loadNative> => loadNative()

/** A deep copy in which one place is another. */
function changed(plan: Plan, path: (string | number)[], value: unknown): Plan {
  const copy = structuredClone(plan)
  const parent = path.slice(0, -1).reduce<unknown>((at, key) => Reflect.get(at as object, key), copy)
  Reflect.set(parent as object, path.at(-1)!, value)
  return copy
}

const attentionStep = wholePlan().steps.findIndex(({ kind }) => kind === 'attention')

const wrongPlans: { path: (string | number)[]; value: unknown }[] = [
  { path: ['steps'], value: 7 },
  { path: ['steps', 0, 'kind'], value: 'nonsense' },
  { path: ['steps', 0, 'out'], value: 1_000_000 },
  { path: ['steps', 0, 'out'], value: -1 },
  { path: ['steps', 0, 'out'], value: 0.5 },
  { path: ['steps', 0, 'out'], value: undefined },
  { path: ['steps', 0, 'table'], value: 1 },
  { path: ['steps', attentionStep, 'scale'], value: -1 },
  { path: ['values', 0, 'width'], value: 0 },
  { path: ['values', 0, 'width'], value: 2 ** 40 },
  { path: ['values', 0, 'rows'], value: 9 },
  { path: ['values', 0, 'format'], value: 'f64' },
  { path: ['values', 0, 'lastUse'], value: -1 },
  { path: ['weights', 0, 'shape'], value: [30] },
  { path: ['weights', 0, 'shape'], value: [31, width] },
  { path: ['weights', 0, 'shape'], value: [2 ** 27, 2 ** 27] },
  { path: ['weights', 0, 'kind'], value: 'vector' },
  { path: ['weights', 0, 'source'], value: { data: new Float64Array(30 * width) } },
  { path: ['weights', 0, 'source'], value: { data: new Float32Array(0) } },
  { path: ['weights', 0, 'source'], value: { file: '', offset: 0, dtype: 'F32' } },
  { path: ['weights', 0, 'source'], value: { file: '/', offset: -4, dtype: 'F32' } },
  { path: ['inputs', 0, 'kind'], value: 'f32' },
  { path: ['inputs', 0, 'value'], value: 2 },
  { path: ['outputs', 0, 'value'], value: 0 },
  { path: ['rowNames'], value: ['tokens'] },
]

const wrongInputs: { name: string; change: (inputs: NativeInputs) => void }[] = [
  { name: 'no ids', change: (inputs) => void delete inputs.ids },
  { name: 'ids that are floats', change: (inputs) => void Object.assign(inputs, { ids: floats(5) }) },
  { name: 'ids that are a list', change: (inputs) => void Object.assign(inputs, { ids: [1, 2, 3, 4, 5] }) },
  { name: 'an id beyond the table', change: (inputs) => void Object.assign(inputs, { ids: i32(0, 0, 0, 0, 30) }) },
  { name: 'a negative id', change: (inputs) => void Object.assign(inputs, { ids: i32(0, 0, 0, 0, -1) }) },
  { name: 'fewer ids than positions', change: (inputs) => void Object.assign(inputs, { ids: i32(1, 2, 3) }) },
  { name: 'a row and a half', change: (inputs) => void Object.assign(inputs, { y: floats(width * 1.5) }) },
  { name: 'a row that is not there', change: (inputs) => void Object.assign(inputs, { at: i32(5, 0) }) },
  { name: 'a pooled row that is not there', change: (inputs) => void Object.assign(inputs, { pooled: i32(-1) }) },
  ...[
    { name: 'spans with a gap', spans: [{ start: 1, rows: 4, chain: [] }] },
    { name: 'spans that end early', spans: [{ start: 0, rows: 4, chain: [] }] },
    { name: 'spans that end late', spans: [{ start: 0, rows: 6, chain: [] }] },
    { name: 'a chain to itself', spans: [{ start: 0, rows: 5, chain: [0] }] },
    { name: 'a chain to nowhere', spans: [{ start: 0, rows: 5, chain: [-1] }] },
    { name: 'no spans', spans: [] },
  ].map(({ name, spans }) => ({
    name,
    change: (inputs: NativeInputs): void => void Object.assign(inputs, { spans: flatSpans(spans) }),
  })),
  {
    name: 'chain offsets that overrun',
    change: (inputs) => {
      Object.assign(inputs, { spans: { ...flatSpans([{ start: 0, rows: 5, chain: [] }]), chainOffsets: i32(0, 9) } })
    },
  },
  {
    name: 'fewer numbers to keep than spans',
    change: (inputs) => {
      Object.assign(inputs, { spans: { ...flatSpans([{ start: 0, rows: 5, chain: [] }]), keep: new Float64Array(0) } })
    },
  },
  {
    name: 'numbers to keep that are integers of 32 bits',
    change: (inputs) => {
      Object.assign(inputs, { spans: { ...flatSpans([{ start: 0, rows: 5, chain: [] }]), kept: i32(-1) } })
    },
  },
  {
    name: 'spans to average that are kept',
    change: (inputs) => void Object.assign(inputs, { groups: flatSpans([{ start: 1, rows: 3, chain: [], keep: 1 }]) }),
  },
  {
    name: 'spans to average beyond the rows',
    change: (inputs) => void Object.assign(inputs, { groups: flatSpans([{ start: 4, rows: 2, chain: [] }]) }),
  },
  {
    name: 'a span to average without rows',
    change: (inputs) => void Object.assign(inputs, { groups: flatSpans([{ start: 4, rows: 0, chain: [] }]) }),
  },
]

describeNative('plans and inputs of the cpu device', () => {
  it('load and run when they are right', async () => {
    const handle = await native().load(wholePlan(), { threads: 2 })
    const { out, mean } = await native().run(handle, wholeInputs())
    expect([out!.rows, out!.width, mean!.rows]).toEqual([1, width, 1])
    expect([...out!.data, ...mean!.data].every(Number.isFinite)).toBe(true)
  })

  it.each(wrongPlans)('reject a plan whose $path is $value', async ({ path, value }) => {
    const plan = changed(wholePlan(), path, value)
    await expect(native().load(plan, { threads: 1 })).rejects.toMatchObject({ code: 'PLAN_INVALID' })
  })

  it.each([0, -1, 1.5, 100_000, Number.NaN])('reject %s threads', async (threads) => {
    await expect(native().load(wholePlan(), { threads })).rejects.toMatchObject({ code: 'PLAN_INVALID' })
  })

  it.each(wrongInputs)('reject $name, and run the next batch', async ({ change }) => {
    const handle = await native().load(wholePlan(), { threads: 2 })
    const inputs = wholeInputs()
    change(inputs)
    await expect(native().run(handle, inputs)).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    expect((await native().run(handle, wholeInputs())).out!.rows).toBe(1)
  })

  it('reject a batch that memory cannot hold, and run the next one', async () => {
    const p = new ProgramBuilder()
    const rows = p.gatherRows(p.floats('x', 'tokens', 1), p.integers('at', 'pooled'))
    p.output('out', p.gatherRows(p.linear(rows, 'w', 2 ** 22), p.integers('one', 'visual')))
    const weights = new Map([['w', tensor(2 ** 22, 1)]])
    const handle = await native().load(makePlan(p.build(), weights, { products: 'f32' }), { threads: 1 })
    const run = (count: number): Promise<unknown> =>
      native().run(handle, { x: floats(1), at: new Int32Array(count), one: i32(0) })
    // 16 MB a row, so more than the address space of a process.
    await expect(run(2 ** 24)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
    await run(1)
    native().close(handle)
  })

  it('survive any change of a number', async () => {
    const next = random(7)
    const pick = (count: number): number => next() % count
    let rejected = 0
    for (let round = 0; round < 300; round++) {
      const plan = structuredClone(wholePlan())
      const lists: unknown[][] = [[...plan.steps], [...plan.values], [...plan.inputs], [...plan.outputs]]
      for (let change = 0; change <= pick(2); change++) {
        const list = lists[pick(lists.length)]!
        const entry = list[pick(list.length)] as object
        const numbers = Object.entries(entry).filter(([, value]) => typeof value === 'number')
        const [key] = numbers[pick(numbers.length)]!
        Reflect.set(entry, key, [pick(40) - 2, pick(2 ** 31), 0, -1][pick(4)])
      }
      try {
        const handle = await native().load(plan, { threads: 2 })
        await native().run(handle, wholeInputs())
        native().close(handle)
      } catch (error) {
        expect(['PLAN_INVALID', 'INPUT_INVALID', 'OUT_OF_MEMORY']).toContain(Reflect.get(error as object, 'code'))
        rejected++
      }
    }
    expect(rejected).toBeGreaterThan(150)
  })
})
