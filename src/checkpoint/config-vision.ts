// The vision tower's part of config.json: Qwen3-VL.

import {
  headRange,
  hiddenRange,
  intermediateRange,
  layerRange,
  mergeRange,
  patchRange,
  ropeThetaRange,
  visionPositionRange,
} from './config-limits.js'
import type { Fields } from './fields.js'

export interface VisionConfig {
  depth: number
  hidden: number
  intermediate: number
  numHeads: number
  headDim: number
  /** Width of the features given to the decoder. */
  outHidden: number
  inChannels: 3
  /** Side of a patch in pixels. */
  patchSize: number
  /** Frames per patch. */
  temporalPatchSize: number
  /** Patches per side that become one token. */
  spatialMergeSize: number
  /** Side of the square table of learned positions. */
  positionGridSize: number
  /** Blocks whose outputs are added to the first decoder layers, in that order. */
  deepstackIndexes: readonly number[]
  ropeTheta: number
}

/** A constant of the architecture: transformers 4 has it in code, not in the configuration. */
const visionRopeTheta = 10_000

/** `text` gives the decoder's sizes that the tower has to agree with. */
export function parseVision(fields: Fields, text: { hidden: number; numLayers: number }): VisionConfig {
  const activation = fields.optionalString('hidden_act')
  if (activation !== undefined && activation !== 'gelu_pytorch_tanh') {
    throw fields.unsupported('hidden_act', 'gelu_pytorch_tanh')
  }
  fields.int('in_channels', { min: 3, max: 3 })
  const depth = fields.int('depth', layerRange)
  const outHidden = fields.int('out_hidden_size', hiddenRange)
  if (outHidden !== text.hidden) throw fields.invalid('out_hidden_size', `the decoder's hidden_size, ${text.hidden}`)
  return {
    depth,
    ...parseHeads(fields),
    intermediate: fields.int('intermediate_size', intermediateRange),
    outHidden,
    inChannels: 3,
    patchSize: fields.int('patch_size', patchRange),
    temporalPatchSize: fields.int('temporal_patch_size', mergeRange),
    spatialMergeSize: fields.int('spatial_merge_size', mergeRange),
    positionGridSize: parsePositionGrid(fields),
    deepstackIndexes: parseDeepstack(fields, depth, text.numLayers),
    ropeTheta: parseVisionRope(fields),
  }
}

function parseHeads(fields: Fields): Pick<VisionConfig, 'hidden' | 'numHeads' | 'headDim'> {
  const hidden = fields.int('hidden_size', hiddenRange)
  const numHeads = fields.int('num_heads', headRange)
  const headDim = hidden / numHeads
  // Half of a head's pairs turn with the row, half with the column.
  if (headDim % 4 !== 0)
    throw fields.invalid('num_heads', `a number that splits hidden_size ${hidden} into multiples of 4`)
  return { hidden, numHeads, headDim }
}

function parsePositionGrid(fields: Fields): number {
  const side = Math.sqrt(fields.int('num_position_embeddings', visionPositionRange))
  if (!Number.isInteger(side)) throw fields.invalid('num_position_embeddings', 'a square number')
  return side
}

function parseDeepstack(fields: Fields, depth: number, numLayers: number): number[] {
  const name = 'deepstack_visual_indexes'
  const indexes = fields.ints(name, { min: 0, max: depth - 1 })
  if (new Set(indexes).size !== indexes.length) throw fields.invalid(name, 'a list without repetition')
  if (indexes.length > numLayers) throw fields.invalid(name, `no longer than the decoder, ${numLayers} layers`)
  return indexes
}

function parseVisionRope(fields: Fields): number {
  const parameters = fields.optionalObject('rope_parameters')
  if (parameters === undefined) return visionRopeTheta
  // transformers 5 calls the two-dimensional form axial.
  const type = parameters.optionalString('rope_type') ?? 'axial'
  if (type !== 'axial' && type !== 'default') throw parameters.unsupported('rope_type', 'axial')
  return parameters.optionalNumber('rope_theta', ropeThetaRange) ?? visionRopeTheta
}
