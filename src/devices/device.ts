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
}

export interface Device {
  readonly name: DeviceName
  /** Load a program. Throws DEVICE_UNAVAILABLE when this machine lacks the device, TENSOR_* for unfit weights. */
  load(program: Program, weights: WeightTable, options: LoadOptions): Promise<LoadedProgram>
}

export interface LoadedProgram extends AsyncDisposable {
  /**
   * Run one batch without blocking the event loop. Inputs are not modified. Throws DEVICE_FAILED.
   * Runs are answered in order; several may be in flight.
   */
  run(inputs: ProgramInputs): Promise<ProgramOutputs>
  /** Free everything. Closing twice is fine. */
  close(): Promise<void>
}
