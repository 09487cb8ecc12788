// Writes a lowered program as ATC reads it: the model, and beside it the weights in the types that are computed in.

import { type FileHandle, open, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { openRegularFile, readFully } from '../../checkpoint/file-bytes.js'
import { dtypeBytes } from '../../checkpoint/floats.js'
import type { Tensor } from '../../checkpoint/weights.js'
import { QvlError } from '../../errors.js'
import type { PaddedProgram } from './lower-padded.js'
import { narrowing } from './narrow.js'
import { type PlacedTensor, weightsName } from './weight-places.js'

export const modelName = 'model.onnx'

export interface WriteProgress {
  signal?: AbortSignal | undefined
  /** Told how many bytes of the weights are written. */
  onBytes?: ((done: number, total: number) => void) | undefined
}

/** Throws TENSOR_INVALID for a weight too large for its type, and what reading and writing throw. */
export async function writeModelFolder(
  folder: string,
  { model, weights }: Pick<PaddedProgram, 'model' | 'weights'>,
  { signal, onBytes }: WriteProgress = {},
): Promise<void> {
  await writeFile(path.join(folder, modelName), model)
  await using file = await open(path.join(folder, weightsName), 'wx')
  for (const placed of weights.tensors) {
    await writeTensor(file, placed, signal)
    onBytes?.(placed.offset + placed.bytes, weights.bytes)
  }
}

/** Numbers in memory at once. */
const chunkNumbers = 2 ** 21

async function writeTensor(
  to: FileHandle,
  { tensor, type, offset }: PlacedTensor,
  signal: AbortSignal | undefined,
): Promise<void> {
  const narrow = narrowing(tensor.dtype, type)
  let at = offset
  for await (const chunk of chunksOf(tensor)) {
    signal?.throwIfAborted()
    const bytes = narrow(chunk)
    if (bytes === undefined) throw outOfRange(type)
    await to.write(bytes, 0, bytes.length, at)
    at += bytes.length
  }
}

async function* chunksOf(tensor: Tensor): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const size = chunkNumbers * dtypeBytes[tensor.dtype]
  if ('data' in tensor) {
    for (let done = 0; done < tensor.data.length; done += chunkNumbers)
      yield new Uint8Array(tensor.data.slice(done, done + chunkNumbers).buffer)
    return
  }
  await using file = await openRegularFile(tensor.file)
  for (let done = 0; done < tensor.bytes; done += size) {
    const chunk = new Uint8Array(Math.min(size, tensor.bytes - done))
    await readFully(file.handle, tensor.file, chunk, tensor.offset + done)
    yield chunk
  }
}

const outOfRange = (type: string): QvlError =>
  new QvlError('TENSOR_INVALID', {
    what: `A weight of this checkpoint is too large for ${type}.`,
    why: 'The largest number of float16 is 65,504.',
    do: 'Use --dtype bfloat16, where the chip has it.',
  })
