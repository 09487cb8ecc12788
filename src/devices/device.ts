// What a device is: something that loads a program with its weights and runs it on batches.

import type { WeightTable } from '../checkpoint/weights.js'
import type { Program, ProgramInputs, ProgramOutputs } from '../program/program.js'

export type DeviceName = 'cpu' | 'ort' | 'npu' | 'reference'

export interface LoadOptions {
  /** Threads for the arithmetic; the device's own choice when absent. */
  threads?: number | undefined
  /**
   * Number type of matrix products. `auto` (default): the checkpoint's own where the device can, else float32; float16 on
   * the npu device, which alone computes in that.
   */
  dtype?: 'auto' | 'float32' | 'bfloat16' | 'float16' | undefined
  quantization?: 'int8' | undefined
  /** The checkpoint as the user named it, for messages. */
  model?: string | undefined
  /** Longest sequence that runs will have; of use to devices that compile for lengths. */
  maxRows?: number | undefined
  /** Ends a load that takes long. */
  signal?: AbortSignal | undefined
  /** Identifies the checkpoint's content; what a device derives from the weights may be kept on disk under it. */
  fingerprint?: string | undefined
  /** Where to keep it; the user's cache folder when absent. */
  cacheDir?: string | undefined
  /** Told when it cannot be kept, and what takes long. */
  warn?: ((message: string) => void) | undefined
}

/** How a loaded program computes. */
export interface Arithmetic {
  /** Number type of the matrix products; sums are at least float32. */
  products: 'float64' | 'float32' | 'bfloat16' | 'float16' | 'int8'
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

/** Of all runs so far, where the device computes in fixed shapes. */
export interface Padding {
  /** Rows of sequences, and of the shapes that they were put into. */
  rows: number
  paddedRows: number
}

export interface Device {
  readonly name: DeviceName
  /**
   * Its arithmetic is done elsewhere than on this machine's cores, so several of its programs may compute at once without
   * taking from each other. Absent: they take turns.
   */
  readonly hasOwnCores?: true
  /** Load a program. Throws DEVICE_UNAVAILABLE when this machine lacks the device, TENSOR_* for unfit weights. */
  load(program: Program, weights: WeightTable, options: LoadOptions): Promise<LoadedProgram>
  /** Give back what the device holds besides its programs, once these are closed. Closing twice is fine. */
  close?(): Promise<void>
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
   * Every span is a whole sequence: a batch with chains or kept spans is refused, so that prefixes cannot be shared.
   * Absent: they can.
   */
  readonly wholeSequences?: true
  /** Devices that compute batches side by side; 1 when absent. */
  readonly numLanes?: number
  /** False while the hardware is lost, and runs fail with DEVICE_LOST; absent where that cannot happen. */
  readonly isUp?: boolean
  /**
   * Run one batch without blocking the event loop. Inputs are not modified. Throws DEVICE_FAILED,
   * DEVICE_OUT_OF_MEMORY where the device can tell, and DEVICE_LOST when the hardware is gone: nothing is wrong with the
   * batch then, and the device tries to come back by itself.
   * Runs are answered in order; several may be in flight.
   */
  run(inputs: ProgramInputs): Promise<ProgramOutputs>
  /** Keys and values of spans that outlive a run; absent where the device cannot keep them. */
  readonly keptSpans?: KeptSpans
  /** For devices that measure themselves. */
  statistics?(): ProgramStatistics
  /** Absent where nothing is padded. */
  padding?(): Padding
  /**
   * What this machine can do at most, in GFLOP/s (GOP/s for int8): a loop in registers alone, in this program's number
   * type and on its threads, for about `seconds`.
   */
  peak?(seconds: number): Promise<number>
  /** Free everything. Closing twice is fine. */
  close(): Promise<void>
}
