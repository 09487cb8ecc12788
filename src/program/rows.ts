// Packed sequences as plain data, shared by the batcher (which makes them) and the models (which read them).

import type { Span } from './program.js'

/** The rows of one batch. */
export interface PackedRows {
  /** Token id of each row. */
  ids: Int32Array
  /** Position of each row in its own sequence, counted from 0; in a sequence with images, on the time axis. */
  positions: Int32Array
  /** Positions on the other two axes, for models that have them; absent where all three axes are equal. */
  axes?: { height: Int32Array; width: Int32Array }
  /** Token type of each row, for models that tell two texts apart by it; absent where all are 0. */
  types?: Int32Array
  /** Rows that hold an image's features instead of a token's embedding. */
  visual?: VisualRows
  spans: readonly Span[]
  /** The row to pool for each distinct sequence. */
  pooled: Int32Array
}

export interface VisualRows {
  /** Packed row of each feature row, all different. */
  rows: Int32Array
  /** [visual rows, hidden]. */
  main: Float32Array
  /** [visual rows, hidden] each. */
  deepstack: readonly Float32Array[]
}
