// Other views of a tensor's numbers: nothing is read or copied.

import { dtypeBytes } from './floats.js'
import type { Tensor } from './weights.js'

/** The same numbers in another shape. */
export function reshaped<Any extends Tensor>(tensor: Any, shape: readonly number[]): Any {
  return { ...tensor, shape }
}

/** Rows `from` to `from + count` of the first axis. */
export function rowsOf(tensor: Tensor, from: number, count: number): Tensor {
  const shape = [count, ...tensor.shape.slice(1)]
  const rowSize = tensor.shape.slice(1).reduce((size, axis) => size * axis, 1)
  if ('data' in tensor) {
    return { ...tensor, shape, data: tensor.data.subarray(from * rowSize, (from + count) * rowSize) }
  }
  const rowBytes = rowSize * dtypeBytes[tensor.dtype]
  return { ...tensor, shape, offset: tensor.offset + from * rowBytes, bytes: count * rowBytes }
}
