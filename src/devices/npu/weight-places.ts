// Where ATC reads each weight: in one file beside the model, in the type that is computed in.
//
// Not in the checkpoint's own files: most weights change their type (float16 has to be made of bfloat16), data has to lie in
// the folder of the model, and links that lead out of it are refused by careful readers.

import { expectShape, type Tensor, type TensorDtype, type WeightTable } from '../../checkpoint/weights.js'
import type { OnnxGraph } from '../onnx/model.js'

/** Number type of matrix products. */
export type Products = 'float32' | 'bfloat16' | 'float16'

export interface PlacedTensor {
  tensor: Tensor
  type: Products
  offset: number
  bytes: number
}

export interface PlacedWeights {
  /** In the order of the file. */
  tensors: readonly PlacedTensor[]
  bytes: number
}

export const weightsName = 'weights.bin'

/** Tensors begin at multiples of it. */
const alignment = 64

export const storedType = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
} as const satisfies Record<TensorDtype, Products>

const typeBytes = { float32: 4, float16: 2, bfloat16: 2 } as const satisfies Record<Products, number>

export class WeightPlaces {
  readonly #graph: OnnxGraph
  readonly #weights: WeightTable
  readonly #products: Products
  readonly #named = new Set<string>()
  readonly #tensors: PlacedTensor[] = []
  #bytes = 0

  constructor(graph: OnnxGraph, weights: WeightTable, products: Products) {
    this.#graph = graph
    this.#weights = weights
    this.#products = products
  }

  /** A vector of a norm or a bias. Throws TENSOR_MISSING, or TENSOR_INVALID when its shape is another; so do the others. */
  float32(name: string, dims: readonly number[]): string {
    return this.#place(name, dims, 'float32')
  }

  /** A matrix, in the type of matrix products. */
  product(name: string, dims: readonly number[]): string {
    return this.#place(name, dims, this.#products)
  }

  /**
   * A table of rows of `width` numbers. It stays on the device, where it takes 1.2 GB at most: rows made by the host would
   * be widened on the event loop and cross the bus with each batch, 67 MB for a full gear of an 8B model.
   */
  table(name: string, width: number): { name: string; type: Products } {
    const tensor = expectShape(this.#weights, name, [this.#weights.get(name)?.shape[0] ?? 0, width])
    const type = this.#products === 'float32' ? storedType[tensor.dtype] : this.#products
    return { name: this.#place(name, tensor.shape, type), type }
  }

  placed(): PlacedWeights {
    return { tensors: this.#tensors, bytes: this.#bytes }
  }

  #place(name: string, dims: readonly number[], type: Products): string {
    const tensor = expectShape(this.#weights, name, dims)
    const named = `${name}.${type}`
    if (this.#named.has(named)) return named
    this.#named.add(named)
    const bytes = tensor.shape.reduce((product, axis) => product * axis, typeBytes[type])
    const offset = Math.ceil(this.#bytes / alignment) * alignment
    this.#tensors.push({ tensor, type, offset, bytes })
    this.#bytes = offset + bytes
    return this.#graph.initialiser(named, type, dims, { location: weightsName, offset, bytes })
  }
}
