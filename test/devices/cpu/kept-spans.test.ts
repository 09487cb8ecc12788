import { expect, it } from 'vitest'
import { CpuProgram } from '#qvl/devices/cpu/cpu-program.js'
import type { Format } from '#qvl/devices/cpu/native.js'
import { makePlan } from '#qvl/devices/cpu/plan.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import type { Program, ProgramInputs, ProgramOutputs, Span } from '#qvl/program/program.js'
import { describeNative, floats, loadNative, tensor } from './native-addon.js'

const [width, heads, kvHeads, headDim, numLayers] = [64, 4, 2, 20, 3]

function layersProgram(causal: boolean): Program {
  const p = new ProgramBuilder()
  const spans = p.spans('spans')
  let x = p.floats('x', 'tokens', width)
  for (let layer = 0; layer < numLayers; layer++) {
    const q = p.linear(x, `q${layer}`, heads * headDim)
    const [k, v] = [p.linear(x, `k${layer}`, kvHeads * headDim), p.linear(x, `v${layer}`, kvHeads * headDim)]
    const mixed = p.attention({ q, k, v, spans, heads, kvHeads, headDim, causal, scale: headDim ** -0.5 })
    x = p.add(x, p.linear(mixed, `o${layer}`, width))
  }
  p.output('out', x)
  return p.build()
}

const weights = new Map(
  Array.from({ length: numLayers }, (_, layer) => [
    [`q${layer}`, tensor(heads * headDim, width)] as const,
    [`k${layer}`, tensor(kvHeads * headDim, width)] as const,
    [`v${layer}`, tensor(kvHeads * headDim, width)] as const,
    [`o${layer}`, tensor(width, heads * headDim)] as const,
  ]).flat(),
)

async function load(products: Format, program = layersProgram(true)): Promise<CpuProgram> {
  const native = loadNative()
  const handle = await native.load(makePlan(program, weights, { products }), { threads: 2 })
  return new CpuProgram(native, { handle, products, threads: 2 })
}

/** Texts by name; a part of a batch is the first rows of one. */
const texts = new Map(
  Object.entries({ prefix: 130, query: 50, other: 7, document: 60, last: 1 }).map(([name, rows]) => [
    name,
    floats(rows * width),
  ]),
)

interface Part {
  text: string
  rows?: number
  chain?: number[]
  keep?: number
  kept?: number
}

function inputsOf(parts: readonly Part[]): ProgramInputs {
  const computed: number[] = []
  const spans = parts.map(({ text, rows = texts.get(text)!.length / width, chain = [], ...numbers }): Span => {
    const start = numbers.kept === undefined ? computed.length / width : 0
    if (numbers.kept === undefined) computed.push(...texts.get(text)!.subarray(0, rows * width))
    return { start, rows, chain, ...numbers }
  })
  return { x: Float32Array.from(computed), spans }
}

/** The result of each part that a batch computes, by its text. */
async function run(program: CpuProgram, parts: readonly Part[]): Promise<Map<string, Float32Array>> {
  const inputs = inputsOf(parts)
  const { data } = ((await program.run(inputs)) as ProgramOutputs).out!
  const spans = inputs.spans as readonly Span[]
  const results = spans.map(({ start, rows }): Float32Array => data.slice(start * width, (start + rows) * width))
  return new Map(parts.flatMap(({ text, kept }, i) => (kept === undefined ? [[text, results[i]!]] : [])))
}

interface Case {
  name: string
  /** Batches that keep spans, before the one that is compared. */
  before: Part[][]
  batch: Part[]
  /** The same spans, all computed. */
  whole: Part[]
}

const prefix = { text: 'prefix', keep: 1 }
const cases: Case[] = [
  {
    name: 'a kept prefix',
    before: [[prefix, { text: 'other', chain: [0] }]],
    batch: [
      { text: 'prefix', kept: 1 },
      { text: 'document', chain: [0] },
      { text: 'last', chain: [0] },
    ],
    whole: [{ text: 'prefix' }, { text: 'document', chain: [0] }, { text: 'last', chain: [0] }],
  },
  ...[1, 47, 48, 49, 129].map((rows) => ({
    name: `the first ${rows} rows of a kept prefix`,
    before: [[{ text: 'other' }, prefix]],
    batch: [{ text: 'prefix', kept: 1, rows }, { text: 'document', chain: [0] }, { text: 'last' }],
    whole: [{ text: 'prefix', rows }, { text: 'document', chain: [0] }, { text: 'last' }],
  })),
  {
    name: 'a chain of spans kept by one batch',
    before: [[prefix, { text: 'query', chain: [0], keep: 2 }]],
    batch: [
      { text: 'prefix', kept: 1 },
      { text: 'other', chain: [0] },
      { text: 'query', kept: 2, rows: 20 },
      { text: 'document', chain: [0, 2] },
      { text: 'last', chain: [0, 2, 3] },
    ],
    whole: [
      { text: 'prefix' },
      { text: 'other', chain: [0] },
      { text: 'query', chain: [0], rows: 20 },
      { text: 'document', chain: [0, 2] },
      { text: 'last', chain: [0, 2, 3] },
    ],
  },
  {
    name: 'a span kept behind a kept one',
    before: [
      [prefix],
      [
        { text: 'prefix', kept: 1, rows: 100 },
        { text: 'query', chain: [0], keep: 2 },
      ],
      [
        { text: 'prefix', kept: 1, rows: 100 },
        { text: 'query', kept: 2 },
        { text: 'other', chain: [0, 1], keep: 3 },
      ],
    ],
    batch: [
      { text: 'prefix', kept: 1, rows: 100 },
      { text: 'query', kept: 2 },
      { text: 'other', kept: 3 },
      { text: 'document', chain: [0, 1, 2] },
    ],
    whole: [
      { text: 'prefix', rows: 100 },
      { text: 'query', chain: [0] },
      { text: 'other', chain: [0, 1] },
      { text: 'document', chain: [0, 1, 2] },
    ],
  },
  {
    name: 'one kept span in two lengths',
    before: [[prefix]],
    batch: [
      { text: 'prefix', kept: 1 },
      { text: 'prefix', kept: 1, rows: 30 },
      { text: 'document', chain: [0] },
      { text: 'query', chain: [1] },
    ],
    whole: [
      { text: 'prefix' },
      { text: 'prefix', rows: 30 },
      { text: 'document', chain: [0] },
      { text: 'query', chain: [1] },
    ],
  },
]

const formats: Format[] = ['f32', 'bf16', 'i8']

/** What a batch is that must fail after one that keeps the prefix as 1. */
const wrong: { name: string; parts: Part[] }[] = [
  { name: 'a number that is not there', parts: [{ text: 'prefix', kept: 2 }, { text: 'last' }] },
  { name: 'more rows than are kept', parts: [{ text: 'prefix', kept: 1, rows: 131 }, { text: 'last' }] },
  { name: 'no rows of a kept span', parts: [{ text: 'prefix', kept: 1, rows: 0 }, { text: 'last' }] },
  { name: 'a number that is taken', parts: [{ text: 'last', keep: 1 }] },
  {
    name: 'one number for two spans',
    parts: [
      { text: 'last', keep: 2 },
      { text: 'other', keep: 2 },
    ],
  },
  { name: 'a kept span to keep again', parts: [{ text: 'prefix', kept: 1, keep: 2 }, { text: 'last' }] },
  { name: 'a kept span with a chain', parts: [{ text: 'last' }, { text: 'prefix', kept: 1, chain: [0] }] },
  ...[0, -1.5, -2, 0.5, 2 ** 60, Number.NaN].map((keep) => ({
    name: `the number ${keep}`,
    parts: [{ text: 'last', keep }],
  })),
]

describeNative('kept spans', () => {
  it.each(cases.flatMap((one) => formats.map((format) => ({ ...one, format }))))(
    'give the same bits as computed ones: $name, $format',
    async ({ before, batch, whole, format }) => {
      await using program = await load(format)
      const expected = await run(program, whole)
      for (const parts of before) await run(program, parts)
      const results = await run(program, batch)
      for (const [text, result] of results) expect(result, text).toEqual(expected.get(text))
      expect(results.size).toBeGreaterThan(0)
    },
  )

  it.each(wrong)('refuse $name, and serve the next batch', async ({ parts }) => {
    await using program = await load('bf16')
    await run(program, [prefix])
    await expect(run(program, parts)).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    await run(program, [
      { text: 'prefix', kept: 1 },
      { text: 'last', chain: [0], keep: 2 },
    ])
  })

  it('are not kept by a run that fails', async () => {
    await using program = await load('bf16')
    await expect(run(program, [prefix, { text: 'other', kept: 9 }])).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    const use = [
      { text: 'prefix', kept: 1 },
      { text: 'last', chain: [0] },
    ]
    await expect(run(program, use)).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    await run(program, [prefix])
    await run(program, use)
  })

  it('are forgotten in turn with the runs', async () => {
    await using program = await load('bf16')
    const use = [
      { text: 'prefix', kept: 1 },
      { text: 'last', chain: [0] },
    ]
    const { keptSpans } = program
    const first = [run(program, [prefix]), run(program, use)]
    keptSpans!.forget(1)
    keptSpans!.forget(1)
    keptSpans!.forget(77)
    const second = [run(program, use), run(program, [prefix]), run(program, use)]
    const results = await Promise.allSettled([...first, ...second])
    const fulfilled = ['fulfilled', 'fulfilled']
    expect(results.map(({ status }) => status)).toEqual([...fulfilled, 'rejected', ...fulfilled])
    await program.close()
    keptSpans!.forget(1)
  })

  it.each([
    ['f32', 4],
    ['bf16', 2],
    ['i8', 2],
  ] as const)('tell what they take, in %s', async (format, bytes) => {
    await using program = await load(format)
    // Blocks of 48 keys, and channels of values in groups of 32.
    const block = numLayers * kvHeads * 48 * (headDim + 32) * bytes
    const sizes = [0, 1, 48, 49, 480].map((rows) => program.keptSpans!.bytes(rows))
    expect(sizes).toEqual([0, block, block, 2 * block, 10 * block])
  })

  it('are refused where rows see what follows them, and where spans are averaged', async () => {
    const p = new ProgramBuilder()
    p.output('out', p.mean(p.floats('x', 'tokens', width), p.spans('spans'), 'pooled'))
    for (const program of [layersProgram(false), p.build()]) {
      await using loaded = await load('bf16', program)
      expect(loaded.keptSpans).toBeUndefined()
      await expect(loaded.run(inputsOf([prefix]))).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
      await loaded.run(inputsOf([{ text: 'prefix' }]))
    }
  })
})
