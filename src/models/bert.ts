// BERT, RoBERTa and XLM-RoBERTa as embedders and as cross-encoders: every token sees every other, the norms come last.

import type { EncoderConfig } from '../checkpoint/config-encoder.js'
import type { WeightTable } from '../checkpoint/weights.js'
import { ProgramBuilder } from '../program/builder.js'
import type { Program, Value } from '../program/program.js'
import { checkWeights, weightShapes } from './check-weights.js'
import type { Model } from './model.js'

export interface BertOptions {
  /** Rows of the classification head; absent for an embedder. */
  numLabels?: number | undefined
  /** Also give out `embeddings` and `layer_0`, `layer_1`, …: for comparing with a reference. */
  trace?: boolean
}

const embeddings = 'embeddings'
const tables = {
  words: `${embeddings}.word_embeddings.weight`,
  positions: `${embeddings}.position_embeddings.weight`,
  types: `${embeddings}.token_type_embeddings.weight`,
} as const

/** Throws TENSOR_MISSING or TENSOR_INVALID with the tensor's name. */
export function bert(config: EncoderConfig, weights: WeightTable, options: BertOptions = {}): Model {
  const program = encoderProgram(config, headOf(weights), options)
  checkWeights(program, weights, tableRows(config))
  return {
    program,
    weights,
    hidden: config.hidden,
    causal: false,
    inputs: ({ ids, positions, types, spans, pooled }) => ({
      ids,
      positions: positions.map((position) => position + config.positionOffset),
      types: types ?? new Int32Array(ids.length),
      spans,
      pooled,
    }),
  }
}

/** The names and shapes of the weights that such a model has. */
export function bertWeightShapes(
  config: EncoderConfig,
  head: EncoderHead,
  options: BertOptions = {},
): ReadonlyMap<string, readonly number[]> {
  return weightShapes(encoderProgram(config, head, options), tableRows(config))
}

const tableRows = ({ vocabSize, maxPositions, positionOffset, numTokenTypes }: EncoderConfig) => ({
  [tables.words]: vocabSize,
  [tables.positions]: maxPositions + positionOffset,
  [tables.types]: numTokenTypes,
})

/** Where a classification head keeps its two layers: RoBERTa inside the classifier, BERT partly in the pooler. */
export type EncoderHead = 'roberta' | 'bert'

const heads = {
  roberta: { dense: 'classifier.dense', out: 'classifier.out_proj' },
  bert: { dense: 'pooler.dense', out: 'classifier' },
} as const

const headOf = (weights: WeightTable): EncoderHead => (weights.has('classifier.dense.weight') ? 'roberta' : 'bert')

function encoderProgram(config: EncoderConfig, head: EncoderHead, options: BertOptions): Program {
  const p = new ProgramBuilder()
  const ids = p.integers('ids', 'tokens')
  const positions = p.integers('positions', 'tokens')
  const types = p.integers('types', 'tokens')
  const spans = p.spans('spans')
  const pooled = p.integers('pooled', 'pooled')

  const words = p.embed(ids, tables.words, config.hidden)
  const placed = p.add(words, p.embed(positions, tables.positions, config.hidden))
  let x = norm(p, config, p.add(placed, p.embed(types, tables.types, config.hidden)), `${embeddings}.LayerNorm`)
  if (options.trace) p.output('embeddings', x)
  for (let layer = 0; layer < config.numLayers; layer++) {
    // Only the pooled rows of the last layer are ever read.
    const queryRows = layer === config.numLayers - 1 ? pooled : undefined
    x = encoderLayer(p, config, `encoder.layer.${layer}`, { x, spans, queryRows })
    if (options.trace) p.output(`layer_${layer}`, x)
  }
  p.output('hidden', x)
  if (options.numLabels !== undefined) {
    const { dense, out } = heads[head]
    p.output('logits', linear(p, linear(p, x, dense, config.hidden, 'tanh'), out, options.numLabels))
  }
  return p.build()
}

interface LayerInputs {
  x: Value
  spans: string
  /** The rows that ask; all rows when absent. */
  queryRows: Value | undefined
}

function encoderLayer(p: ProgramBuilder, config: EncoderConfig, name: string, inputs: LayerInputs): Value {
  const { x, spans, queryRows } = inputs
  const { hidden, intermediate, numHeads, headDim } = config
  const asking = queryRows === undefined ? x : p.gatherRows(x, queryRows)
  const self = `${name}.attention.self`
  const mixed = p.attention({
    q: linear(p, asking, `${self}.query`, hidden),
    k: linear(p, x, `${self}.key`, hidden),
    v: linear(p, x, `${self}.value`, hidden),
    spans,
    ...(queryRows === undefined ? {} : { queryRows }),
    heads: numHeads,
    kvHeads: numHeads,
    headDim,
    causal: false,
    scale: headDim ** -0.5,
  })
  const output = `${name}.attention.output`
  const attended = norm(p, config, p.add(asking, linear(p, mixed, `${output}.dense`, hidden)), `${output}.LayerNorm`)
  const inner = linear(p, attended, `${name}.intermediate.dense`, intermediate, config.activation)
  const down = linear(p, inner, `${name}.output.dense`, hidden)
  return norm(p, config, p.add(attended, down), `${name}.output.LayerNorm`)
}

const linear = (
  p: ProgramBuilder,
  x: Value,
  name: string,
  width: number,
  activation: 'none' | 'tanh' | EncoderConfig['activation'] = 'none',
): Value => p.linear(x, `${name}.weight`, width, { bias: `${name}.bias`, activation })

const norm = (p: ProgramBuilder, { layerNormEps }: EncoderConfig, x: Value, name: string): Value =>
  p.layerNorm(x, `${name}.weight`, `${name}.bias`, layerNormEps)
