// The arithmetic of a batch, counted by hand and against the published cost per token.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '#qvl/checkpoint/config.js'
import type { StoredTensor } from '#qvl/checkpoint/weights.js'
import { networkAlone, networkShapes } from '#qvl/engine/load-model.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import { countFlops } from '#qvl/program/flops.js'
import type { Program, Span } from '#qvl/program/program.js'

const one: Span[] = [{ start: 0, rows: 3, chain: [] }]
const chained: Span[] = [
  { start: 0, rows: 2, chain: [] },
  { start: 2, rows: 3, chain: [0] },
  { start: 5, rows: 1, chain: [0, 1] },
]
const behindKept: Span[] = [
  { start: 0, rows: 2, chain: [] },
  { start: 0, rows: 4, chain: [], kept: 1 },
  { start: 2, rows: 3, chain: [1], keep: 2 },
]

interface AttentionCase {
  name: string
  causal: boolean
  spans: Span[]
  queryRows?: number[]
  /** Pairs of rows that see each other. */
  pairs: number
}

const heads = 2
const headDim = 4

function attentionProgram({ causal, queryRows }: AttentionCase): Program {
  const p = new ProgramBuilder()
  const width = heads * headDim
  const [k, v] = [p.floats('k', 'tokens', width), p.floats('v', 'tokens', width)]
  const q = p.floats('q', queryRows === undefined ? 'tokens' : 'pooled', width)
  const asked = queryRows === undefined ? {} : { queryRows: p.integers('asked', 'pooled') }
  const shape = { heads, kvHeads: heads, headDim, causal, scale: 1 }
  p.output('out', p.attention({ q, k, v, spans: p.spans('spans'), ...asked, ...shape }))
  return p.build()
}

describe('countFlops', () => {
  it('counts each linear by its rows', () => {
    const p = new ProgramBuilder()
    const x = p.floats('x', 'tokens', 4)
    const rows = p.integers('rows', 'pooled')
    const wide = p.linear(x, 'wide', 6)
    p.output('out', p.linear(p.gatherRows(wide, rows), 'narrow', 3))
    const inputs = { x: new Float32Array(5 * 4), rows: Int32Array.of(0, 4) }
    expect(countFlops(p.build(), inputs)).toEqual({ linear: 2 * (5 * 4 * 6 + 2 * 6 * 3), attention: 0 })
  })

  it('counts a linear behind a mean by its spans', () => {
    const p = new ProgramBuilder()
    const x = p.floats('x', 'tokens', 4)
    p.output('out', p.linear(p.mean(x, p.spans('spans'), 'pooled'), 'w', 2))
    expect(countFlops(p.build(), { x: new Float32Array(6 * 4), spans: chained }).linear).toBe(2 * 3 * 4 * 2)
  })

  it.each<AttentionCase>([
    { name: 'causal', causal: true, spans: one, pairs: 1 + 2 + 3 },
    { name: 'bidirectional', causal: false, spans: one, pairs: 9 },
    { name: 'behind a shared prefix', causal: true, spans: chained, pairs: 1 + 2 + (3 + 4 + 5) + 6 },
    { name: 'of pooled rows', causal: true, spans: chained, queryRows: [1, 4, 5], pairs: 2 + 5 + 6 },
    { name: 'behind a kept span', causal: true, spans: behindKept, pairs: 1 + 2 + (5 + 6 + 7) },
    { name: 'of pooled rows behind a kept span', causal: true, spans: behindKept, queryRows: [1, 4], pairs: 2 + 7 },
    { name: 'of pooled rows, bidirectional', causal: false, spans: one, queryRows: [0, 2], pairs: 6 },
  ])('counts attention that is $name', (example) => {
    const rows = example.spans.reduce((sum, span) => sum + (span.kept === undefined ? span.rows : 0), 0)
    const asked = Int32Array.from(example.queryRows ?? [])
    const inputs = {
      q: new Float32Array((example.queryRows?.length ?? rows) * heads * headDim),
      k: new Float32Array(rows * heads * headDim),
      v: new Float32Array(rows * heads * headDim),
      spans: example.spans,
      ...(example.queryRows !== undefined && { asked }),
    }
    const expected = { linear: 0, attention: 4 * heads * headDim * example.pairs }
    expect(countFlops(attentionProgram(example), inputs)).toEqual(expected)
  })
})

describe('the example shapes', () => {
  // GFLOP of matrix products for a token alone, and FLOP of attention for each pair of tokens.
  it.each<[string, number, number]>([
    ['qwen3-0.6b', 0.881, 229_376],
    ['qwen3-vl-2b', 2.819, 229_376],
    ['qwen3-8b', 13.892, 589_824],
    ['bge-reranker-v2-m3', 0.604, 98_304],
  ])('%s costs what is published', (name, gflops, perPair) => {
    const file = fileURLToPath(new URL(`../../examples/shapes/${name}/config.json`, import.meta.url))
    const config = parseConfig(JSON.parse(readFileSync(file, 'utf8')))
    const stored = ([tensor, shape]: [string, readonly number[]]): [string, StoredTensor] => [
      tensor,
      { dtype: 'BF16', shape, file: '', offset: 0, bytes: 0 },
    ]
    const model = networkAlone(config, new Map([...networkShapes(config)].map(stored)))
    const row = { ids: Int32Array.of(1), positions: Int32Array.of(0), pooled: Int32Array.of(0) }
    const flops = countFlops(model.program, model.inputs({ ...row, spans: [{ start: 0, rows: 1, chain: [] }] }))
    expect(flops.linear / 1e9).toBeCloseTo(gflops, 3)
    expect(flops.attention).toBe(perPair)
  })
})
