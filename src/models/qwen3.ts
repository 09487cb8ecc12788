// The Qwen3 decoder, as embedder and as reranker: its configuration and weights written down as a program. Qwen3-VL's
// decoder is the same network with rows for images (qwen3-vl.ts).

import type { DecoderConfig } from '../checkpoint/config.js'
import type { WeightTable } from '../checkpoint/weights.js'
import { ProgramBuilder } from '../program/builder.js'
import type { Program, Value } from '../program/program.js'
import { checkWeights, weightShapes } from './check-weights.js'
import type { Model } from './model.js'
import { RotaryTables } from './rotary-tables.js'

export interface DecoderOptions {
  /** Rows of `score.weight`; absent for an embedder. */
  numLabels?: number | undefined
  /** The program takes image features: one row for each visual token, and as many more after each of the first layers. */
  numDeepstack?: number
  /** Also give out what each layer computes, as `layer_0`, `layer_1`, …: for comparing with a reference. */
  trace?: boolean
}

export function qwen3(config: DecoderConfig, weights: WeightTable, options: DecoderOptions = {}): Model {
  const program = decoderProgram(config, options)
  checkWeights(program, weights, tableRows(config))
  const rotary = new RotaryTables(config.headDim, config.ropeTheta)
  return {
    program,
    weights,
    hidden: config.hidden,
    causal: true,
    inputs: ({ ids, positions, spans, pooled }) => ({ ids, spans, pooled, ...rotary.at(positions) }),
  }
}

/** The names and shapes of the weights that such a model has. */
export function qwen3WeightShapes(
  config: DecoderConfig,
  options: DecoderOptions = {},
): ReadonlyMap<string, readonly number[]> {
  return weightShapes(decoderProgram(config, options), tableRows(config))
}

export const tableRows = ({ vocabSize }: DecoderConfig): Record<string, number> => ({
  'embed_tokens.weight': vocabSize,
})

export function decoderProgram(config: DecoderConfig, options: DecoderOptions): Program {
  const p = new ProgramBuilder()
  const ids = p.integers('ids', 'tokens')
  const pooled = p.integers('pooled', 'pooled')
  const cos = p.floats('cos', 'tokens', config.headDim / 2)
  const sin = p.floats('sin', 'tokens', config.headDim / 2)
  const spans = p.spans('spans')

  const visual = options.numDeepstack === undefined ? undefined : visualInputs(p, config, options.numDeepstack)

  let x = p.embed(ids, 'embed_tokens.weight', config.hidden)
  if (visual !== undefined) x = p.scatterRows(x, visual.rows, visual.main)
  let isPooled = false
  for (let layer = 0; layer < config.numLayers; layer++) {
    const deepstack = visual?.deepstack[layer]
    // Only the pooled rows of the last layer are ever read, so only they ask, and only they go through the MLP.
    isPooled = layer === config.numLayers - 1 && deepstack === undefined
    const queryRows = isPooled ? pooled : undefined
    x = decoderLayer(p, config, `layers.${layer}`, { x, cos, sin, spans, queryRows })
    if (options.trace) p.output(`layer_${layer}`, x)
    if (visual !== undefined && deepstack !== undefined) x = p.addRows(x, visual.rows, deepstack)
  }
  const hidden = p.rmsNorm(isPooled ? x : p.gatherRows(x, pooled), 'norm.weight', config.rmsEps)
  p.output('hidden', hidden)
  if (options.numLabels !== undefined) p.output('logits', p.linear(hidden, 'score.weight', options.numLabels))
  return p.build()
}

function visualInputs(p: ProgramBuilder, { hidden }: DecoderConfig, numDeepstack: number) {
  return {
    rows: p.integers('visualRows', 'visual'),
    main: p.floats('visual', 'visual', hidden),
    deepstack: Array.from({ length: numDeepstack }, (_, index) => p.floats(`deepstack_${index}`, 'visual', hidden)),
  }
}

interface LayerInputs {
  x: Value
  cos: Value
  sin: Value
  spans: string
  /** The rows that ask; all rows when absent. */
  queryRows: Value | undefined
}

function decoderLayer(p: ProgramBuilder, config: DecoderConfig, name: string, inputs: LayerInputs): Value {
  const { x, cos, sin, spans, queryRows } = inputs
  const { hidden, intermediate, numHeads, numKvHeads, headDim, rmsEps } = config
  const asking = (value: Value): Value => (queryRows === undefined ? value : p.gatherRows(value, queryRows))
  const attn = `${name}.self_attn`

  // Attention: q and k are normalised per head before they are rotated; v is left alone.
  const normed = p.rmsNorm(x, `${name}.input_layernorm.weight`, rmsEps)
  const qRaw = p.linear(asking(normed), `${attn}.q_proj.weight`, numHeads * headDim)
  const kRaw = p.linear(normed, `${attn}.k_proj.weight`, numKvHeads * headDim)
  const v = p.linear(normed, `${attn}.v_proj.weight`, numKvHeads * headDim)
  const qNormed = p.headNorm(qRaw, `${attn}.q_norm.weight`, headDim, rmsEps)
  const kNormed = p.headNorm(kRaw, `${attn}.k_norm.weight`, headDim, rmsEps)
  const q = p.rotary(qNormed, asking(cos), asking(sin), headDim)
  const k = p.rotary(kNormed, cos, sin, headDim)
  const mixed = p.attention({
    q,
    k,
    v,
    spans,
    ...(queryRows === undefined ? {} : { queryRows }),
    heads: numHeads,
    kvHeads: numKvHeads,
    headDim,
    causal: true,
    scale: headDim ** -0.5,
  })
  const attended = p.add(asking(x), p.linear(mixed, `${attn}.o_proj.weight`, hidden))

  // MLP.
  const y = p.rmsNorm(attended, `${name}.post_attention_layernorm.weight`, rmsEps)
  const gate = p.linear(y, `${name}.mlp.gate_proj.weight`, intermediate)
  const up = p.linear(y, `${name}.mlp.up_proj.weight`, intermediate)
  const down = p.linear(p.swiglu(gate, up), `${name}.mlp.down_proj.weight`, hidden)
  return p.add(attended, down)
}
