// What a device is: something that loads a program with its weights and runs it on batches.

import type { WeightTable } from '../checkpoint/weights.js'
import type { Program, ProgramInputs, ProgramOutputs } from '../program/program.js'

export type DeviceName = 'cpu' | 'ort' | 'reference'

export interface LoadOptions {
  /** Threads for the arithmetic; the device's own choice when absent. */
  threads?: number | undefined
  /** Number type of matrix products. `auto` (default): the checkpoint's own where the device can, else float32. */
  dtype?: 'auto' | 'float32' | 'bfloat16' | undefined
  quantization?: 'int8' | undefined
  /** Identifies the checkpoint's content; what a device derives from the weights may be kept on disk under it. */
  fingerprint?: string | undefined
  /** Where to keep it; the user's cache folder when absent. */
  cacheDir?: string | undefined
  /** Told when it cannot be kept. */
  warn?: ((message: string) => void) | undefined
}

/** How a loaded program computes. */
export interface Arithmetic {
  /** Number type of the matrix products; sums are at least float32. */
  products: 'float64' | 'float32' | 'bfloat16' | 'int8'
  threads: number
  /** As the device calls it, such as avx512_bf16; absent where the device does not say. */
  instructionSet?: string
}

/** Where the time of all runs so far went, in seconds on the clock. */
export interface ProgramStatistics {
  linearSeconds: number
  attentionSeconds: number
  totalSeconds: number
  /** Bytes of packed weights in memory. */
  packedBytes: number
}

export interface Device {
  readonly name: DeviceName
  /** Load a program. Throws DEVICE_UNAVAILABLE when this machine lacks the device, TENSOR_* for unfit weights. */
  load(program: Program, weights: WeightTable, options: LoadOptions): Promise<LoadedProgram>
}

/**
 * Spans marked with `keep` stay with the device when their run has succeeded, and later batches name them with `kept`.
 * A run that fails keeps nothing, and a run that names a span which is not there fails with DEVICE_FAILED.
 */
export interface KeptSpans {
  /** Bytes that a kept span of so many rows takes. */
  bytes(rows: number): number
  /** Free a kept span once the runs handed over before this call are done. A number that is not there is no error. */
  forget(keep: number): void
}

export interface LoadedProgram extends AsyncDisposable {
  readonly arithmetic: Arithmetic
  /**
   * Run one batch without blocking the event loop. Inputs are not modified. Throws DEVICE_FAILED, and
   * DEVICE_OUT_OF_MEMORY where the device can tell.
   * Runs are answered in order; several may be in flight.
   */
  run(inputs: ProgramInputs): Promise<ProgramOutputs>
  /** Keys and values of spans that outlive a run; absent where the device cannot keep them. */
  readonly keptSpans?: KeptSpans
  /** For devices that measure themselves. */
  statistics?(): ProgramStatistics
  /**
   * What this machine can do at most, in GFLOP/s (GOP/s for int8): a loop in registers alone, in this program's number
   * type and on its threads, for about `seconds`.
   */
  peak?(seconds: number): Promise<number>
  /** Free everything. Closing twice is fine. */
  close(): Promise<void>
}
