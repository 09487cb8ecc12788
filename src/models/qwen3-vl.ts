// Qwen3-VL: the vision tower, and the Qwen3 decoder with image features in place of some tokens.

import type { Qwen3VlConfig } from '../checkpoint/config.js'
import type { WeightTable } from '../checkpoint/weights.js'
import type { ProgramInputs } from '../program/program.js'
import type { PackedRows, VisualRows } from '../program/rows.js'
import { checkWeights } from './check-weights.js'
import type { Model } from './model.js'
import { mropeAxes } from './mrope.js'
import { type DecoderOptions, decoderProgram, tableRows } from './qwen3.js'
import { qwen3VlVision } from './qwen3-vl-vision.js'
import { RotaryTables } from './rotary-tables.js'

/** Throws TENSOR_MISSING or TENSOR_INVALID with the tensor's name. */
export async function qwen3Vl(
  { text, vision }: Qwen3VlConfig,
  weights: WeightTable,
  options: DecoderOptions = {},
): Promise<Model> {
  const numDeepstack = vision.deepstackIndexes.length
  const program = decoderProgram(text, { ...options, numDeepstack })
  checkWeights(program, weights, tableRows(text))
  const rotary = new RotaryTables(text.headDim, text.ropeTheta)
  const axes = mropeAxes(text.mropeSection)
  const angles = ({ positions: time, axes: others }: PackedRows) =>
    others === undefined ? rotary.at(time) : rotary.atAxes({ time, ...others }, axes)
  return {
    program,
    weights,
    hidden: text.hidden,
    causal: true,
    inputs: (rows) => ({
      ids: rows.ids,
      spans: rows.spans,
      pooled: rows.pooled,
      ...angles(rows),
      ...visualInputs(rows.visual, numDeepstack),
    }),
    vision: await qwen3VlVision(vision, weights),
  }
}

/** A batch of text alone has no visual rows. */
function visualInputs(visual: VisualRows | undefined, numDeepstack: number): ProgramInputs {
  const deepstack = Array.from({ length: numDeepstack }, (_, index) => [
    `deepstack_${index}`,
    visual?.deepstack[index] ?? new Float32Array(0),
  ])
  return {
    visualRows: visual?.rows ?? new Int32Array(0),
    visual: visual?.main ?? new Float32Array(0),
    ...Object.fromEntries(deepstack),
  }
}
