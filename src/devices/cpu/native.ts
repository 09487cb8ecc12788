// The whole native surface, typed: what the addon is given and what it gives back.

import type { Activation, RowsName } from '../../program/program.js'

/** How a value or a weight is stored: `i8` is one byte a number with a float scale per row (values) or column (weights). */
export type Format = 'f32' | 'bf16' | 'i8'

/** Index into Plan.values. */
export type ValueIndex = number
/** Index into Plan.weights. */
export type WeightIndex = number

export interface PlanValue {
  /** Index into Plan.rowNames. */
  rows: number
  width: number
  format: Format
  /** Last step that reads it; the number of steps when it is an output. */
  lastUse: number
}

export type Step =
  | { kind: 'embed'; ids: ValueIndex; table: WeightIndex; out: ValueIndex }
  | {
      kind: 'norm'
      norm: 'rms' | 'layer'
      x: ValueIndex
      weight: WeightIndex
      bias?: WeightIndex
      eps: number
      out: ValueIndex
    }
  /** activation(x · Wᵀ + bias) + residual. */
  | {
      kind: 'linear'
      x: ValueIndex
      weight: WeightIndex
      bias?: WeightIndex
      activation: Activation
      residual?: ValueIndex
      out: ValueIndex
    }
  /** silu(x · gateᵀ) ⊙ (x · upᵀ). */
  | { kind: 'swigluLinear'; x: ValueIndex; gate: WeightIndex; up: WeightIndex; out: ValueIndex }
  /** Norm of each head, then rotation of each head; either may be absent. */
  | {
      kind: 'headRotary'
      x: ValueIndex
      weight?: WeightIndex
      eps: number
      cos?: ValueIndex
      sin?: ValueIndex
      headDim: number
      out: ValueIndex
    }
  | {
      kind: 'attention'
      q: ValueIndex
      k: ValueIndex
      v: ValueIndex
      spans: string
      queryRows?: ValueIndex
      heads: number
      kvHeads: number
      headDim: number
      causal: boolean
      scale: number
      out: ValueIndex
    }
  | { kind: 'gatherRows'; x: ValueIndex; rows: ValueIndex; out: ValueIndex }
  | { kind: 'scatterRows' | 'addRows'; x: ValueIndex; rows: ValueIndex; y: ValueIndex; out: ValueIndex }
  | { kind: 'swiglu'; gate: ValueIndex; up: ValueIndex; out: ValueIndex }
  | { kind: 'add'; a: ValueIndex; b: ValueIndex; out: ValueIndex }
  | { kind: 'scale'; x: ValueIndex; factor: number; out: ValueIndex }
  | { kind: 'mean'; x: ValueIndex; spans: string; out: ValueIndex }
  | { kind: 'normalize'; x: ValueIndex; out: ValueIndex }
  /** Another format of the same numbers. */
  | { kind: 'convert'; x: ValueIndex; out: ValueIndex }

export interface PlanWeight {
  name: string
  /** `linear` is packed for the matrix kernels, `vector` is kept as float32, `table` is read row by row from its file. */
  kind: 'linear' | 'vector' | 'table'
  format: Format
  /** [width] or [out, in]. */
  shape: readonly number[]
  source: { file: string; offset: number; dtype: 'F32' | 'F16' | 'BF16' } | { data: Float32Array }
}

export type PlanInput =
  | { name: string; kind: 'f32' | 'i32'; value: ValueIndex }
  | { name: string; kind: 'spans'; rows: number }

export interface Plan {
  /** Names of row counts; an input of each tells the count of a batch. */
  rowNames: readonly RowsName[]
  values: readonly PlanValue[]
  steps: readonly Step[]
  weights: readonly PlanWeight[]
  inputs: readonly PlanInput[]
  outputs: readonly { name: string; value: ValueIndex }[]
}

/** Spans as flat arrays: span i starts at starts[i], and its chain is chains[chainOffsets[i] .. chainOffsets[i + 1]]. */
export interface FlatSpans {
  starts: Int32Array
  rows: Int32Array
  chainOffsets: Int32Array
  chains: Int32Array
  /** The numbers of each span, as in `Span`; -1 where it has none. */
  keep: Float64Array
  kept: Float64Array
}

export type NativeInputs = Record<string, Float32Array | Int32Array | FlatSpans>

export interface NativeOutput {
  rows: number
  width: number
  data: Float32Array
}

/** Where the time of all runs so far went. */
export interface Statistics {
  linearSeconds: number
  attentionSeconds: number
  totalSeconds: number
  /** Bytes of packed weights in memory. */
  packedBytes: number
}

/** A loaded plan; freed by close(), or when collected. */
export interface Handle {
  /** Why packed weights could not be kept on disk. */
  readonly warning?: string
}

export interface NativeLoadOptions {
  threads: number
  /** Packed weights are mapped from here when the file fits the plan, and written here when not. */
  cacheFile?: string
}

export interface NativeCpu {
  /** Instruction sets of this machine, best first. `QVL_CPU_ISA` forces one; a name this machine lacks throws. */
  isa(): { selected: string; available: string[] }
  load(plan: Plan, options: NativeLoadOptions): Promise<Handle>
  /** Rejects, and leaves the process alive, when a shape is wrong or memory runs out. Runs of one handle queue up. */
  run(handle: Handle, inputs: NativeInputs): Promise<Record<string, NativeOutput>>
  /** Frees a kept span when its turn comes among the runs. */
  forget(handle: Handle, keep: number): Promise<void>
  /** Bytes of a kept span of so many rows; 0 where the plan has no spans that can be kept. */
  keptBytes(handle: Handle, rows: number): number
  /** Ends the run in progress between two steps; its promise rejects. */
  cancel(handle: Handle): void
  statistics(handle: Handle): Statistics
  close(handle: Handle): void
  /** GFLOP/s (GOP/s for i8) of a register-only loop on `threads` threads for about `seconds`. */
  peak(format: Format, threads: number, seconds: number): Promise<number>
}
