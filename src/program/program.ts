// A model as data: a short list of tensor operations over packed rows, which any device can run.
//
// Every value is two-dimensional, [rows, width]. Rows are packed tokens: no padding anywhere. How many rows there are
// is known only when a batch arrives, so the first dimension is a name.

/** The name of a row count that differs from batch to batch. */
export type RowsName = 'tokens' | 'pooled' | 'visual' | 'patches'

/** Index of a value in a program. */
export type Value = number & { readonly brand?: 'Value' }

export type Activation = 'none' | 'gelu_erf' | 'gelu_tanh' | 'silu' | 'tanh'

/** What a batch supplies: `f32` and `i32` are [rows, width]; `spans` says who attends to whom. */
export type ProgramInput =
  | { name: string; kind: 'f32'; rows: RowsName; width: number; value: Value }
  | { name: string; kind: 'i32'; rows: RowsName; width: 1; value: Value }
  | { name: string; kind: 'spans' }

export interface ValueShape {
  rows: RowsName
  width: number
}

/** Weights are named as in the model's weight table. A linear weight is [out, in], as in PyTorch. */
export type Op =
  /** Rows `ids` of an embedding table [vocab, width]. */
  | { op: 'embed'; ids: Value; table: string; out: Value }
  /** x with row rows[i] replaced by y[i]. */
  | { op: 'scatterRows'; x: Value; rows: Value; y: Value; out: Value }
  /** x with y[i] added to row rows[i]. */
  | { op: 'addRows'; x: Value; rows: Value; y: Value; out: Value }
  /** x[rows[i]], or with `count` the rows from rows[i] on side by side: [rows, count · width]. */
  | { op: 'gatherRows'; x: Value; rows: Value; count: number; out: Value }
  /** activation(x · Wᵀ + bias). */
  | { op: 'linear'; x: Value; weight: string; bias?: string; activation: Activation; out: Value }
  /** x / sqrt(mean(x²) + eps) · weight. */
  | { op: 'rmsNorm'; x: Value; weight: string; eps: number; out: Value }
  | { op: 'layerNorm'; x: Value; weight: string; bias: string; eps: number; out: Value }
  /** rmsNorm over each head of width headDim; weight is [headDim]. */
  | { op: 'headNorm'; x: Value; weight: string; headDim: number; eps: number; out: Value }
  /** Rotate-half on each head: channel i pairs with i + headDim/2. cos and sin are [rows, headDim/2]. */
  | { op: 'rotary'; x: Value; cos: Value; sin: Value; headDim: number; out: Value }
  | AttentionOp
  /** silu(gate) ⊙ up. */
  | { op: 'swiglu'; gate: Value; up: Value; out: Value }
  | { op: 'add'; a: Value; b: Value; out: Value }
  | { op: 'scale'; x: Value; factor: number; out: Value }
  /** Mean over the rows of each span: [spans, width]. */
  | { op: 'mean'; x: Value; spans: string; out: Value }
  /** x / max(|x|₂, 1e-12), per row. */
  | { op: 'normalize'; x: Value; out: Value }

/**
 * Variable-length attention over packed rows. Query head i reads key head floor(i · kvHeads / heads).
 * q is [query rows, heads · headDim]; k and v are [rows, kvHeads · headDim].
 * Query row i stands at packed row `queryRows[i]`; without `queryRows`, at packed row i.
 */
export interface AttentionOp {
  op: 'attention'
  q: Value
  k: Value
  v: Value
  /** Name of the spans input. */
  spans: string
  queryRows?: Value
  heads: number
  kvHeads: number
  headDim: number
  causal: boolean
  /** Not negative. */
  scale: number
  out: Value
}

export interface Program {
  inputs: readonly ProgramInput[]
  ops: readonly Op[]
  /** Shape of every value, indexed by value. */
  shapes: readonly ValueShape[]
  outputs: readonly { name: string; value: Value }[]
}

/**
 * A run of packed rows that belong together. A row sees all rows of the spans in `chain` (oldest first), and of its own
 * span the rows up to itself (causal) or all (bidirectional). `chain` is how a shared prefix is computed once: in a
 * rerank request the instruction and the query are one span, and each document is a span whose chain names it.
 */
export interface Span {
  /** First packed row; 0 for a kept span. */
  start: number
  /** Number of rows, at least 1. Spans that are not kept ones cover all rows, in order, without gaps. */
  rows: number
  /** Indices of earlier spans that come before this one, root first. Empty where causal is false, and of a kept span. */
  chain: readonly number[]
  /** The device keeps this span's keys and values under this number after the run, for later batches. */
  keep?: number
  /**
   * An earlier batch computed this span and kept it under this number. It has no rows in this batch and is only named
   * in chains; `rows` of the kept rows, from the first on, are seen.
   */
  kept?: number
}

/** Values for a program's inputs, by name. */
export type ProgramInputs = Record<string, Float32Array | Int32Array | readonly Span[]>

/** A program's outputs by name, each [rows, width] row-major. */
export type ProgramOutputs = Record<string, { rows: number; width: number; data: Float32Array }>
