import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { qwen3 } from '#qvl/models/qwen3.js'
import { RotaryTables } from '#qvl/models/rotary-tables.js'
import { tokenHead } from '#qvl/models/token-head.js'
import { interpret } from '#qvl/program/interpreter.js'
import { decoderOf } from '../support/decoder.js'
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
} from '../support/golden.js'

/** One sequence as a batch, pooling the given rows. */
function oneSequence(ids: number[], pooled: number[]) {
  return {
    ids: Int32Array.from(ids),
    positions: Int32Array.from(ids.keys()),
    spans: [{ start: 0, rows: ids.length, chain: [] }],
    pooled: Int32Array.from(pooled),
  }
}

const open = (name: string) => openCheckpoint(goldenPath(`checkpoints/${name}`))

describe('the Qwen3 program on the reference interpreter', () => {
  it.each(['qwen3-embedding', 'qwen3-vl-embedding'])('%s: pooled vectors', async (name) => {
    const { config, weights } = await open(name)
    const model = qwen3(decoderOf(config), weights)
    const cache = new Map<string, Float32Array>()
    for (const { id, input_ids, hidden } of textCases<EmbedCase>(name)) {
      const inputs = model.inputs(oneSequence(input_ids, [input_ids.length - 1]))
      const outputs = await interpret(model.program, model.weights, inputs, cache)
      expect(cosine(outputs.hidden!.data, floats(hidden)), id).toBeGreaterThan(0.999999)
    }
  })

  it.each(['qwen3-reranker', 'qwen3-reranker-seq-cls', 'qwen3-vl-reranker'])('%s: logits', async (name) => {
    const { config, weights } = await open(name)
    const ids = readGolden<{ yes_token_id: number; no_token_id: number }>(`${name}/cases.json`)
    const head = weights.has('score.weight')
      ? { weights }
      : await tokenHead(weights, [ids.no_token_id, ids.yes_token_id])
    const model = qwen3(decoderOf(config), head.weights, { numLabels: 1 })
    const cache = new Map<string, Float32Array>()
    for (const { id, input_ids, hidden, logit_diff } of textCases<ScoreCase>(name)) {
      const inputs = model.inputs(oneSequence(input_ids, [input_ids.length - 1]))
      const outputs = await interpret(model.program, model.weights, inputs, cache)
      expect(cosine(outputs.hidden!.data, floats(hidden)), id).toBeGreaterThan(0.999999)
      expect(Math.abs(outputs.logits!.data[0]! - logit_diff), id).toBeLessThan(1e-4)
    }
  })

  it.each(['qwen3-embedding', 'qwen3-reranker'])('%s: every layer of the trace', async (name) => {
    const trace = readGolden<{ case: string; tensors: Record<string, StoredArray> }>(`${name}/trace.json`)
    const example = textCases<EmbedCase>(name).find(({ id }) => id === trace.case)!
    const { config, weights } = await open(name)
    const model = qwen3(decoderOf(config), weights, { trace: true })
    // Pooling every row makes the last layer compute every row.
    const inputs = model.inputs(oneSequence(example.input_ids, [...example.input_ids.keys()]))
    const outputs = await interpret(model.program, model.weights, inputs)
    for (let layer = 0; layer < decoderOf(config).numLayers; layer++) {
      const difference = maxDifference(outputs[`layer_${layer}`]!.data, floats(trace.tensors[`layer_${layer}`]!))
      expect(difference, `layer_${layer}`).toBeLessThan(1e-4)
    }
    expect(maxDifference(outputs.hidden!.data, floats(trace.tensors.final_norm!))).toBeLessThan(1e-4)
  })

  it('names a tensor that is missing or has another shape', async () => {
    const { config, weights } = await open('qwen3-embedding')
    const without = new Map(weights)
    without.delete('layers.1.mlp.up_proj.weight')
    expect(() => qwen3(decoderOf(config), without)).toThrowError(/layers\.1\.mlp\.up_proj\.weight/)
    expect(() => qwen3({ ...decoderOf(config), intermediate: 96 }, weights)).toThrowError(
      /layers\.0\.mlp\.gate_proj\.weight/,
    )
  })
})

describe('rotary tables', () => {
  it('round to float32 at each step', () => {
    const { cos, sin } = new RotaryTables(128, 1e6).at(Int32Array.of(0, 30_000))
    expect([...cos.subarray(0, 64)]).toEqual(new Array(64).fill(1))
    const frequency = Math.fround(1 / Math.fround(1e6 ** (2 / 128)))
    expect(sin[64 + 1]).toBe(Math.fround(Math.sin(Math.fround(30_000 * frequency))))
  })

  it('gives the same rows in any order of asking', () => {
    const tables = new RotaryTables(8, 1e4)
    const first = tables.at(Int32Array.of(5, 1))
    tables.at(Int32Array.of(500))
    expect(tables.at(Int32Array.of(5, 1))).toEqual(first)
  })
})
