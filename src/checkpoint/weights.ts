// Where a program's weights come from: named tensors, in a safetensors file or in memory.

export type TensorDtype = 'F32' | 'F16' | 'BF16'

/** A tensor stored row-major and little-endian in a file. */
export interface StoredTensor {
  dtype: TensorDtype
  shape: readonly number[]
  /** Absolute path of the real file (symbolic links resolved). */
  file: string
  /** Byte offset of the first element from the start of the file. */
  offset: number
  /** Size in bytes. */
  bytes: number
}

/** A tensor computed at load, such as W(yes) − W(no). */
export interface MemoryTensor {
  dtype: 'F32'
  shape: readonly number[]
  data: Float32Array
}

export type Tensor = StoredTensor | MemoryTensor

/** Plain data, so that it can be posted to a worker thread. Names are canonical: without the checkpoint's prefix. */
export type WeightTable = ReadonlyMap<string, Tensor>
