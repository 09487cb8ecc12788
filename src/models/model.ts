// What a model is to the engine: a program, its weights, and how a packed batch becomes the program's inputs.

import type { WeightTable } from '../checkpoint/weights.js'
import type { Program, ProgramInputs } from '../program/program.js'
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
}
