// What a model is to the engine: a program, its weights, and how a packed batch becomes the program's inputs.

import type { WeightTable } from '../checkpoint/weights.js'
import type { Program, ProgramInputs, ProgramOutputs } from '../program/program.js'
import type { PackedRows } from '../program/rows.js'

/**
 * Every model's program has the output `hidden` [pooled, hidden], the pooled rows after the final norm; a model with a
 * head also has `logits` [pooled, labels].
 */
export interface Model {
  program: Program
  weights: WeightTable
  hidden: number
  /** Rows see only what came before them, so a shared prefix may be computed once. */
  causal: boolean
  inputs(rows: PackedRows): ProgramInputs
  /** How images become rows of the program above; absent from models that read text only. */
  vision?: VisionModel
}

/** Time, height and width of an image or a video, in patches; time is 1 for an image. */
export type PatchGrid = readonly [time: number, height: number, width: number]

/** An image or a video, cut into patches. */
export interface Patches {
  grid: PatchGrid
  /**
   * [time · height · width, channels · frames · side · side], normalised. Patches that become one token stand together:
   * time, then token row, then token column, then the row and the column inside the token.
   */
  pixels: Float32Array
}

/** What the tower makes of one image or video: a row for each token. */
export interface VisualFeatures {
  /** [tokens, hidden]. */
  main: Float32Array
  /** [tokens, hidden] each, added to the first decoder layers in this order. */
  deepstack: readonly Float32Array[]
}

export interface VisionModel {
  program: Program
  weights: WeightTable
  /** Patches that become one token, along one side. */
  mergeSize: number
  inputs(images: readonly Patches[]): Promise<ProgramInputs>
  /** One for each image, in order. */
  features(outputs: ProgramOutputs, images: readonly PatchGrid[]): VisualFeatures[]
}
