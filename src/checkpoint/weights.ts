// Where a program's weights come from: named tensors, in a safetensors file or in memory.

import { closeSync, openSync, readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { QvlError } from '../errors.js'
import { endsEarly, openRegularFile, readFully } from './file-bytes.js'
import { dtypeBytes, indexOfNonFinite, widen } from './floats.js'
import { quoteName } from './quote-name.js'

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

/** Tensors are read through a buffer of this size; a multiple of every element size. */
const chunkBytes = 4 * 1024 * 1024

/** The tensor of that name. Throws TENSOR_MISSING, or TENSOR_INVALID when its shape is another. */
export function expectShape(table: WeightTable, name: string, shape: readonly number[]): Tensor {
  const tensor = table.get(name)
  if (tensor === undefined) {
    throw new QvlError('TENSOR_MISSING', {
      what: `The checkpoint has no tensor ${quoteName(name)}.`,
      why: `Its configuration calls for one of shape [${shape}].`,
      do: 'Check that the download is complete and that config.json belongs to these weights.',
      param: name,
    })
  }
  if (tensor.shape.length !== shape.length || tensor.shape.some((axis, i) => axis !== shape[i])) {
    throw new QvlError('TENSOR_INVALID', {
      what: `The tensor ${quoteName(name)} has shape [${tensor.shape}].`,
      why: `The configuration calls for [${shape}].`,
      do: 'Check that config.json belongs to these weights.',
      param: name,
    })
  }
  return tensor
}

/** All elements of a tensor, row-major, in float32. */
export async function readTensorFloat32(tensor: Tensor): Promise<Float32Array> {
  if ('data' in tensor) return tensor.data
  const out = new Float32Array(tensor.bytes / dtypeBytes[tensor.dtype])
  await using file = await openRegularFile(tensor.file)
  let done = 0
  for await (const chunk of chunksOf(tensor, file.handle)) {
    widen(tensor.dtype, chunk, out, done)
    done += chunk.length / dtypeBytes[tensor.dtype]
  }
  return out
}

/** The given rows of a 2-D tensor, as [rows, width] in float32; only these rows are read. */
export async function readRowsFloat32(tensor: Tensor, rows: ArrayLike<number>): Promise<Float32Array> {
  const width = checkRows(tensor, rows)
  if ('data' in tensor) return memoryRows(tensor, rows, width)
  const out = new Float32Array(rows.length * width)
  const row = new Uint8Array(width * dtypeBytes[tensor.dtype])
  await using file = await openRegularFile(tensor.file)
  for (let i = 0; i < rows.length; i++) {
    await readFully(file.handle, tensor.file, row, tensor.offset + rows[i]! * row.length)
    widen(tensor.dtype, row, out, i * width)
  }
  return out
}

/** As `readRowsFloat32`, blocking: for worker threads. */
export function readRowsFloat32Sync(tensor: Tensor, rows: ArrayLike<number>): Float32Array {
  const width = checkRows(tensor, rows)
  if ('data' in tensor) return memoryRows(tensor, rows, width)
  const out = new Float32Array(rows.length * width)
  const row = new Uint8Array(width * dtypeBytes[tensor.dtype])
  const descriptor = openSync(tensor.file, 'r')
  try {
    for (let i = 0; i < rows.length; i++) {
      readFullySync(descriptor, tensor.file, row, tensor.offset + rows[i]! * row.length)
      widen(tensor.dtype, row, out, i * width)
    }
  } finally {
    closeSync(descriptor)
  }
  return out
}

export interface NonFinite {
  name: string
  /** Index of the element in the tensor, row-major. */
  index: number
  /** NaN, Infinity or -Infinity. */
  value: number
}

/** The first weight that is NaN or infinite. Reads everything, a few megabytes at a time. */
export async function findNonFinite(table: WeightTable, signal?: AbortSignal): Promise<NonFinite | undefined> {
  for (const [name, tensor] of table) {
    const found = 'data' in tensor ? nonFiniteInMemory(tensor) : await nonFiniteInFile(tensor, signal)
    if (found !== undefined) return { name, ...found }
  }
  return undefined
}

function nonFiniteInMemory({ data }: MemoryTensor): Omit<NonFinite, 'name'> | undefined {
  const index = data.findIndex((value) => !Number.isFinite(value))
  return index === -1 ? undefined : { index, value: data[index]! }
}

async function nonFiniteInFile(
  tensor: StoredTensor,
  signal: AbortSignal | undefined,
): Promise<Omit<NonFinite, 'name'> | undefined> {
  const size = dtypeBytes[tensor.dtype]
  await using file = await openRegularFile(tensor.file)
  let done = 0
  for await (const chunk of chunksOf(tensor, file.handle)) {
    signal?.throwIfAborted()
    const at = indexOfNonFinite(tensor.dtype, chunk)
    if (at !== -1) {
      const value = new Float32Array(1)
      widen(tensor.dtype, chunk.slice(at * size, (at + 1) * size), value, 0)
      return { index: done + at, value: value[0]! }
    }
    done += chunk.length / size
  }
  return undefined
}

/** A tensor's bytes in order. One buffer is used again for every chunk. */
async function* chunksOf(tensor: StoredTensor, handle: FileHandle): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(Math.min(chunkBytes, tensor.bytes))
  for (let done = 0; done < tensor.bytes; done += buffer.length) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, tensor.bytes - done))
    await readFully(handle, tensor.file, chunk, tensor.offset + done)
    yield chunk
  }
}

/** The width of a 2-D tensor whose rows are all there. */
function checkRows(tensor: Tensor, rows: ArrayLike<number>): number {
  const [numRows, width, ...rest] = tensor.shape
  if (numRows === undefined || width === undefined || rest.length > 0) {
    throw new RangeError(`rows of a tensor of shape [${tensor.shape}], which is not 2-D`)
  }
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (!Number.isInteger(row) || row < 0 || row >= numRows) {
      throw new QvlError('TENSOR_INVALID', {
        what: `Row ${row} of a table was asked for.`,
        why: `The table has rows 0 to ${numRows - 1}, so the tokenizer does not belong to these weights.`,
        do: 'Check that all files of the checkpoint are of the same revision.',
      })
    }
  }
  return width
}

function memoryRows(tensor: MemoryTensor, rows: ArrayLike<number>, width: number): Float32Array {
  const out = new Float32Array(rows.length * width)
  for (let i = 0; i < rows.length; i++) {
    out.set(tensor.data.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width)
  }
  return out
}

function readFullySync(descriptor: number, file: string, into: Uint8Array, offset: number): void {
  let done = 0
  while (done < into.length) {
    const bytesRead = readSync(descriptor, into, done, into.length - done, offset + done)
    if (bytesRead === 0) throw endsEarly(file, offset + into.length, offset + done)
    done += bytesRead
  }
}
