// What the AscendCL addon of native/npu offers: devices, models and runs, as promises.

/** Element types of tensors that cross the addon. */
export type NpuType = 'float32' | 'float16' | 'bfloat16' | 'int32' | 'int64' | 'int8' | 'uint8' | 'bool'

export interface NpuTensor {
  name: string
  type: NpuType
  /** -1 where the gears differ. */
  dims: readonly number[]
  /** Of the largest gear. */
  bytes: number
}

export interface NpuModelDescription {
  /** In the model's order, without the hidden input that takes the gear. */
  inputs: readonly NpuTensor[]
  outputs: readonly NpuTensor[]
  /** Each lists the dimensions of all inputs, one input after another; empty for a model of one shape. */
  gears: readonly (readonly number[])[]
}

export interface NpuRun {
  /** The dimensions of all inputs, one after another, as one of the gears has them; absent for a model of one shape. */
  gear?: readonly number[]
  /** Copied before `run` returns. Sizes are exactly those of the gear. */
  inputs: Readonly<Record<string, NodeJS.ArrayBufferView>>
  /** Filled before the promise resolves. */
  outputs: Readonly<Record<string, NodeJS.ArrayBufferView>>
  /** Milliseconds on the device before it counts as lost. */
  timeoutMs: number
}

export interface NpuRunReport {
  /** By the name of the output, as the device reports them. */
  outputDims: Readonly<Record<string, readonly number[]>>
  /** From the first copy to the device to the last one back. */
  deviceMs: number
}

export interface NpuModel {
  describe(): NpuModelDescription
  /** Runs of one model are done in order. Rejects with an NpuError. */
  run(run: NpuRun): Promise<NpuRunReport>
  /** Waits for the runs before it. Closing twice is fine. */
  close(): Promise<void>
}

export interface NpuDevice {
  /** `weightDir` where the model was compiled with weights beside it. */
  load(options: { omPath: string; weightDir?: string }): Promise<NpuModel>
  memory(): Promise<{ freeBytes: number; totalBytes: number }>
  /** Closes its models too. Closing twice is fine. */
  close(): Promise<void>
}

export interface NpuProbe {
  /** The library that was opened. */
  library: string
  socName: string
  version: string | undefined
  /** Symbols that the library lacks and that are not needed for everything. */
  missing: readonly string[]
  devices: readonly { id: number; freeBytes: number; totalBytes: number }[]
}

export interface NpuAddon {
  /** Opens the library and asks it what there is. It loads foreign code: qvl doctor does this in a child process. */
  probe(options: { library?: string }): Promise<NpuProbe>
  open(options: { deviceId: number; library?: string }): Promise<NpuDevice>
}

/** `code` of the errors that the addon throws. */
export const npuErrorCodes = [
  'ERR_NPU_LIBRARY',
  'ERR_NPU_SYMBOL',
  'ERR_NPU_NO_DEVICE',
  'ERR_NPU_BUSY_OR_PERMISSION',
  'ERR_NPU_OOM',
  'ERR_NPU_MODEL_FILE',
  'ERR_NPU_SOC_MISMATCH',
  'ERR_NPU_GEAR',
  'ERR_NPU_TIMEOUT',
  'ERR_NPU_DEVICE_FAILED',
  'ERR_NPU_QUEUE_FULL',
  'ERR_NPU_CLOSED',
  'ERR_NPU_INTERNAL',
] as const

export type NpuErrorCode = (typeof npuErrorCodes)[number]

/** Wrong sizes, names and types are a RangeError or TypeError instead, thrown before anything is queued. */
export interface NpuError extends Error {
  code: NpuErrorCode
  /** What AscendCL returned, and from which call; absent where no call failed. */
  aclCode?: number
  aclCall?: string
  /** Its own words, read on the thread of the device. */
  detail?: string
}
