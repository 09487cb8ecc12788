// Weights as initialisers: bytes stay in the safetensors files, and bf16 and f16 become float32 when the model is loaded.

import path from 'node:path'
import { endsEarly, openRegularFile } from '../../checkpoint/file-bytes.js'
import { expectShape, type StoredTensor, type Tensor, type WeightTable } from '../../checkpoint/weights.js'
import { elementType, int, type OnnxGraph } from './model.js'

const storedType = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

export class Initialisers {
  /** The folder that locations in the model are relative to; absent when no weight is stored in a file. */
  readonly folder: string | undefined
  readonly #graph: OnnxGraph
  readonly #weights: WeightTable
  readonly #named = new Map<string, string>()

  constructor(graph: OnnxGraph, weights: WeightTable) {
    this.#graph = graph
    this.#weights = weights
    this.folder = commonFolder(storedTensors(weights).map(([, tensor]) => path.dirname(tensor.file)))
  }

  /** A weight as a float32 value. Throws TENSOR_MISSING, or TENSOR_INVALID when its shape is another. */
  float32(name: string, dims: readonly number[]): string {
    const tensor = expectShape(this.#weights, name, dims)
    const value = this.#named.get(name) ?? this.#add(name, tensor)
    this.#named.set(name, value)
    return value
  }

  /** A table of rows of `width` numbers, which the host reads. Throws as `float32` does. */
  table(name: string, width: number): Tensor {
    return expectShape(this.#weights, name, [this.#weights.get(name)?.shape[0] ?? 0, width])
  }

  #add(name: string, tensor: Tensor): string {
    const { dtype, shape } = tensor
    if ('data' in tensor) {
      const { buffer, byteOffset, byteLength } = tensor.data
      return this.#graph.initialiser(name, 'float32', shape, { raw: new Uint8Array(buffer, byteOffset, byteLength) })
    }
    const { offset, bytes } = tensor
    const location = path.relative(this.folder!, tensor.file)
    const stored = this.#graph.initialiser(name, storedType[dtype], shape, { location, offset, bytes })
    return dtype === 'F32' ? stored : this.#graph.op('Cast', [stored], { to: int(elementType.float32) })
  }
}

/** Throws CHECKPOINT_FILE_MISSING or CHECKPOINT_INVALID where a file is gone or ends before one of its tensors does. */
export async function checkWeightFiles(weights: WeightTable): Promise<void> {
  const ends = new Map<string, number>()
  for (const [, tensor] of storedTensors(weights)) {
    ends.set(tensor.file, Math.max(ends.get(tensor.file) ?? 0, tensor.offset + tensor.bytes))
  }
  await Promise.all([...ends].map(([file, end]) => checkFile(file, end)))
}

async function checkFile(path: string, end: number): Promise<void> {
  await using file = await openRegularFile(path)
  if (file.size < end) throw endsEarly(path, end, file.size)
}

const storedTensors = (weights: WeightTable): [string, StoredTensor][] =>
  [...weights].flatMap(([name, tensor]): [string, StoredTensor][] => ('file' in tensor ? [[name, tensor]] : []))

/** The deepest folder that holds all of `folders`. Shards usually share one. */
function commonFolder(folders: readonly string[]): string | undefined {
  return folders.reduce<string | undefined>((common, folder) => {
    let shared = common ?? folder
    while (path.relative(shared, folder).startsWith('..')) shared = path.dirname(shared)
    return shared
  }, undefined)
}
