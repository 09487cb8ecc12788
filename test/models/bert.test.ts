import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseEncoder } from '#qvl/checkpoint/config-encoder.js'
import { Fields } from '#qvl/checkpoint/fields.js'
import { loadWeightTable } from '#qvl/checkpoint/weight-table.js'
import type { LoadOptions } from '#qvl/devices/device.js'
import { openDevice } from '#qvl/devices/open-device.js'
import { type BertOptions, bert } from '#qvl/models/bert.js'
import { interpret } from '#qvl/program/interpreter.js'
import type { PackedRows } from '#qvl/program/rows.js'
import { cosine, floats, goldenPath, maxDifference, readGolden, type StoredArray } from '../support/golden.js'

interface EncoderCase {
  id: string
  input_ids: number[]
  hidden: StoredArray
  logit?: number
}

interface Checkpoint {
  name: string
  countsFromPadding: boolean
  pooling: 'cls' | 'mean'
  options: BertOptions
}

const checkpoints = [
  { name: 'bert-embedding', countsFromPadding: false, pooling: 'mean', options: {} },
  { name: 'xlm-roberta-embedding', countsFromPadding: true, pooling: 'cls', options: {} },
  { name: 'xlm-roberta-reranker', countsFromPadding: true, pooling: 'cls', options: { numLabels: 1 } },
] as const satisfies Checkpoint[]

async function open(name: string, countsFromPadding: boolean, options: BertOptions) {
  const dir = goldenPath(`checkpoints/${name}`)
  const file = `${dir}/config.json`
  const fields = new Fields(JSON.parse(readFileSync(file, 'utf8')), { file, code: 'CONFIG_INVALID' })
  return bert(parseEncoder(fields, { countsFromPadding }), await loadWeightTable(dir), options)
}

/** Sequences one after the other; `cls` pools the first row of each, `mean` all of them. */
function packed(sequences: readonly number[][], pooling: Checkpoint['pooling']): PackedRows {
  let start = 0
  const spans = sequences.map(({ length: rows }) => {
    const span = { start, rows, chain: [] }
    start += rows
    return span
  })
  return {
    ids: Int32Array.from(sequences.flat()),
    positions: Int32Array.from(sequences.flatMap((ids) => [...ids.keys()])),
    spans,
    pooled: Int32Array.from(pooling === 'cls' ? spans.map((span) => span.start) : Array(start).keys()),
  }
}

/** The mean of rows of this width. */
function mean(rows: Float32Array, width: number): number[] {
  const count = rows.length / width
  return Array.from({ length: width }, (_, i) => {
    let sum = 0
    for (let row = 0; row < count; row++) sum += rows[row * width + i]!
    return sum / count
  })
}

const casesOf = (name: string): EncoderCase[] => readGolden<{ cases: EncoderCase[] }>(`${name}/cases.json`).cases

describe.each(checkpoints)('$name', ({ name, countsFromPadding, pooling, options }) => {
  it('every tensor of the trace, on the reference interpreter', async () => {
    const trace = readGolden<{ case: string; tensors: Record<string, StoredArray> }>(`${name}/trace.json`)
    const example = casesOf(name).find(({ id }) => id === trace.case)!
    // Pooling every row makes the last layer compute every row.
    const model = await open(name, countsFromPadding, { trace: true })
    const inputs = model.inputs(packed([example.input_ids], 'mean'))
    const outputs = await interpret(model.program, model.weights, inputs)
    for (const [tensor, golden] of Object.entries(trace.tensors)) {
      expect(maxDifference(outputs[tensor]!.data, floats(golden)), tensor).toBeLessThan(1e-4)
    }
  })

  const devices: { device: 'reference' | 'cpu' | 'ort'; load: LoadOptions; minCosine: number; maxLogit: number }[] = [
    { device: 'reference', load: {}, minCosine: 0.999999, maxLogit: 1e-4 },
    { device: 'cpu', load: { dtype: 'float32' }, minCosine: 0.999999, maxLogit: 1e-4 },
    { device: 'ort', load: {}, minCosine: 0.999999, maxLogit: 1e-4 },
    { device: 'cpu', load: { dtype: 'bfloat16' }, minCosine: 0.999, maxLogit: 0.1 },
  ]
  it.each(devices)('alone and all together on $device $load', async ({ device, load, minCosine, maxLogit }) => {
    const model = await open(name, countsFromPadding, options)
    await using program = await (await openDevice(device)).load(model.program, model.weights, { ...load, threads: 2 })
    const cases = casesOf(name)
    const sequences = cases.map(({ input_ids }) => input_ids)
    const together = await program.run(model.inputs(packed(sequences, pooling)))
    const width = model.hidden
    let first = 0
    for (const [index, { id, input_ids, hidden, logit }] of cases.entries()) {
      const alone = await program.run(model.inputs(packed([input_ids], pooling)))
      const count = pooling === 'cls' ? 1 : input_ids.length
      const rows = together.hidden!.data.subarray(first * width, (first + count) * width)
      first += count
      expect(cosine(mean(alone.hidden!.data, width), floats(hidden)), id).toBeGreaterThan(minCosine)
      expect(cosine(mean(rows, width), floats(hidden)), id).toBeGreaterThan(minCosine)
      if (logit === undefined) continue
      expect(Math.abs(alone.logits!.data[0]! - logit), id).toBeLessThan(maxLogit)
      expect(Math.abs(together.logits!.data[index]! - logit), id).toBeLessThan(maxLogit)
    }
  })
})
