// The golden cases through the padded lowering, at gears that pad sequences and leave places empty.

import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import type { WeightTable } from '#qvl/checkpoint/weights.js'
import { parseGears } from '#qvl/devices/npu/gears.js'
import { traitsOf } from '#qvl/devices/npu/lower-padded.js'
import { headGroups } from '#qvl/devices/npu/padded-attention.js'
import { createOrtDevice } from '#qvl/devices/ort/ort.js'
import { bert } from '#qvl/models/bert.js'
import type { Model } from '#qvl/models/model.js'
import { qwen3 } from '#qvl/models/qwen3.js'
import { qwen3Vl } from '#qvl/models/qwen3-vl.js'
import { tokenHead } from '#qvl/models/token-head.js'
import { decoderOf } from '../../support/decoder.js'
import {
  cosine,
  type EmbedCase,
  floats,
  goldenPath,
  maxDifference,
  readGolden,
  type ScoreCase,
  type StoredArray,
  textCases,
} from '../../support/golden.js'
import { imageCases, loadVl, openVl, patchesOf, runCase } from '../../support/vl.js'
import { numRows, spansOf } from '../support.js'
import { paddedDevice } from './padded-device.js'

/** Of vectors before they are normalised, relative to their largest number; and of logits. */
const tolerance = 1e-4

const patches = '3x64,1x1024,2x256'
const someGears = ['4x64,2x512,1x1024', '1x832,3x832', '16x1024,2x32']

/** Sequences one after another; `pool` says which rows of each are pooled. */
function packed(sequences: readonly number[][], pool: 'last' | 'first' | 'all') {
  const spans = spansOf(sequences.map(({ length }) => length))
  const pooled = {
    last: spans.map(({ start, rows }) => start + rows - 1),
    first: spans.map(({ start }) => start),
    all: [...Array(numRows(spans)).keys()],
  }[pool]
  return {
    ids: Int32Array.from(sequences.flat()),
    positions: Int32Array.from(sequences.flatMap((ids) => [...ids.keys()])),
    spans,
    pooled: Int32Array.from(pooled),
  }
}

function expectRows(found: Float32Array, expected: readonly StoredArray[]): void {
  const wanted = expected.map(floats)
  const width = wanted[0]!.length
  expect(found.length).toBe(width * wanted.length)
  for (const [index, row] of wanted.entries()) {
    const scale = row.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
    const difference = maxDifference(found.subarray(index * width, (index + 1) * width), row)
    expect(difference / scale, `row ${index}`).toBeLessThan(tolerance)
  }
}

const open = (name: string) => openCheckpoint(goldenPath(`checkpoints/${name}`))

describe.each(someGears)('decoders at %s', (tokens) => {
  it.each(['qwen3-embedding', 'qwen3-vl-embedding'])('%s', async (name) => {
    const { config, weights } = await open(name)
    const device = paddedDevice({ tokens, patches })
    const model = qwen3(decoderOf(config), weights)
    await using program = await device.load(model.program, weights, {})
    const cases = textCases<EmbedCase>(name)
    const rows = packed(
      cases.map(({ input_ids }) => input_ids),
      'last',
    )
    const { hidden } = await program.run(model.inputs(rows))
    expectRows(
      hidden!.data,
      cases.map((each) => each.hidden),
    )
    expect(device.runs.reduce((sum, { realRows }) => sum + realRows, 0)).toBe(rows.ids.length)
    expect(device.runs.every(({ realRows, paddedRows }) => realRows < paddedRows)).toBe(true)
  })

  it.each(['qwen3-reranker', 'qwen3-reranker-seq-cls'])('%s', async (name) => {
    const { config, weights } = await open(name)
    const head = await headOf(name, weights)
    const model = qwen3(decoderOf(config), head, { numLabels: 1 })
    await using program = await paddedDevice({ tokens, patches }).load(model.program, head, {})
    const cases = textCases<ScoreCase>(name)
    const ids = cases.map(({ input_ids }) => input_ids)
    const { logits } = await program.run(model.inputs(packed(ids, 'last')))
    for (const [index, { id, logit_diff }] of cases.entries())
      expect(Math.abs(logits!.data[index]! - logit_diff), id).toBeLessThan(tolerance)
  })
})

async function headOf(name: string, weights: WeightTable): Promise<WeightTable> {
  if (weights.has('score.weight')) return weights
  const ids = readGolden<{ yes_token_id: number; no_token_id: number }>(`${name}/cases.json`)
  return (await tokenHead(weights, [ids.no_token_id, ids.yes_token_id])).weights
}

describe.each(someGears)('encoders at %s', (tokens) => {
  interface Case {
    id: string
    input_ids: number[]
    hidden: StoredArray
    logit?: number
  }

  it.each([
    { name: 'bert-embedding', pool: 'all', options: {} },
    { name: 'xlm-roberta-embedding', pool: 'first', options: {} },
    { name: 'xlm-roberta-reranker', pool: 'first', options: { numLabels: 1 } },
  ] as const)('$name', async ({ name, pool, options }) => {
    const { config, weights } = await open(name)
    if (config.family !== 'bert') throw new TypeError(name)
    const model: Model = bert(config.encoder, weights, options)
    await using program = await paddedDevice({ tokens, patches }).load(model.program, weights, {})
    const { cases } = readGolden<{ cases: Case[] }>(`${name}/cases.json`)
    const ids = cases.map(({ input_ids }) => input_ids)
    const outputs = await program.run(model.inputs(packed(ids, pool)))
    for (const [index, { id, logit }] of cases.entries())
      if (logit !== undefined) expect(Math.abs(outputs.logits!.data[index]! - logit), id).toBeLessThan(tolerance)
    if (pool === 'first')
      expectRows(
        outputs.hidden!.data,
        cases.map(({ hidden }) => hidden),
      )
    else await expectSameAsOrt(model, packed(ids, pool), outputs.hidden!.data)
  })
})

async function expectSameAsOrt(model: Model, rows: ReturnType<typeof packed>, found: Float32Array): Promise<void> {
  await using other = await (await createOrtDevice()).load(model.program, model.weights, { threads: 2 })
  const { hidden } = await other.run(model.inputs(rows))
  expect(maxDifference(found, hidden!.data)).toBeLessThan(tolerance)
}

describe.each([
  { tokens: '2x512x1x1024,1x1024x1x1024,4x256', patches: '3x64,1x1024' },
  { tokens: '4x1024x1x2048,1x64', patches: '1x2048,2x256,8x64' },
])('images at $tokens and $patches', (gears) => {
  it('embeds them', async () => {
    const { config, weights } = await openVl('qwen3-vl-embedding')
    const model = await qwen3Vl(config, weights)
    const device = paddedDevice(gears)
    const run = await loadVl(device, model)
    for (const { example, images } of imageCases('qwen3-vl-embedding')) {
      const outputs = await runCase(run, model, config, { ids: example.input_ids, images: images.map(patchesOf) })
      expectRows(outputs.hidden!.data, [example.hidden])
    }
    expect(device.runs.some(({ gear }) => gear.visual > 1)).toBe(true)
    await run.close()
  })

  it('scores pairs with them', async () => {
    const { config, weights } = await openVl('qwen3-vl-reranker')
    const head = await headOf('qwen3-vl-reranker', weights)
    const model = await qwen3Vl(config, head, { numLabels: 1 })
    const run = await loadVl(paddedDevice(gears), model)
    for (const { example, images } of imageCases('qwen3-vl-reranker')) {
      const outputs = await runCase(run, model, config, { ids: example.input_ids, images: images.map(patchesOf) })
      expect(Math.abs(outputs.logits!.data[0]! - example.logit_diff!), example.id).toBeLessThan(tolerance)
    }
    await run.close()
  })
})

it('pools all rows of a decoder where a gear has room for them', async () => {
  const { config, weights } = await open('qwen3-embedding')
  const model = qwen3(decoderOf(config), weights)
  await using program = await paddedDevice({ tokens: '4x64,1x512x512', patches }).load(model.program, weights, {})
  const ids = textCases<EmbedCase>('qwen3-embedding').map(({ input_ids }) => input_ids)
  const rows = packed(ids.slice(0, 3), 'all')
  await expectSameAsOrt(model, rows, (await program.run(model.inputs(rows))).hidden!.data)
})

it('computes in float16', async () => {
  const { config, weights } = await open('qwen3-embedding')
  const model = qwen3(decoderOf(config), weights)
  const device = paddedDevice({ tokens: '4x64,1x1024', patches }, 'float16')
  await using program = await device.load(model.program, weights, {})
  for (const { id, input_ids, hidden } of textCases<EmbedCase>('qwen3-embedding')) {
    const outputs = await program.run(model.inputs(packed([input_ids], 'last')))
    expect(cosine(outputs.hidden!.data, floats(hidden)), id).toBeGreaterThan(0.9999)
  }
})

it('computes heads in parts where the largest gear has many scores', async () => {
  const { config, weights } = await open('qwen3-embedding')
  const model = qwen3(decoderOf(config), weights)
  const attention = model.program.ops.find(({ op }) => op === 'attention')
  const tokens = '4x64,16x4096'
  if (attention?.op !== 'attention') throw new TypeError('no attention')
  expect(headGroups(attention, parseGears(tokens, traitsOf(model.program)))).toBeGreaterThan(1)
  await using program = await paddedDevice({ tokens, patches }).load(model.program, weights, {})
  const cases = textCases<EmbedCase>('qwen3-embedding').filter(({ input_ids }) => input_ids.length <= 64)
  expect(cases.length).toBeGreaterThan(1)
  const ids = cases.map(({ input_ids }) => input_ids)
  expectRows(
    (await program.run(model.inputs(packed(ids, 'last')))).hidden!.data,
    cases.map(({ hidden }) => hidden),
  )
})
