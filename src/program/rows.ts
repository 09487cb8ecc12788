// Packed sequences as plain data, shared by the batcher (which makes them) and the models (which read them).

import type { Span } from './program.js'

/** The rows of one batch. */
export interface PackedRows {
  /** Token id of each row. */
  ids: Int32Array
  /** Position of each row in its own sequence, counted from 0. */
  positions: Int32Array
  spans: readonly Span[]
  /** The row to pool for each distinct sequence. */
  pooled: Int32Array
}
