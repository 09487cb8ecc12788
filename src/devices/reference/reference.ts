// The reference device: the float64 interpreter behind the device interface. Slow; for tests and comparisons.

import { interpret } from '../../program/interpreter.js'
import { programClosed } from '../closed.js'
import type { Device } from '../device.js'
import { checkProducts } from '../products.js'

export function createReferenceDevice(): Device {
  return {
    name: 'reference',
    async load(program, weights, options) {
      checkProducts('reference', 'float64', options)
      const cache = new Map<string, Float32Array>()
      let open = true
      // Batches are computed one after the other, in the order they came.
      let last: Promise<unknown> = Promise.resolve()
      const close = async (): Promise<void> => {
        open = false
        await last
        cache.clear()
      }
      return {
        arithmetic: { products: 'float64', threads: 1 },
        run(inputs) {
          if (!open) return Promise.reject(programClosed())
          const outputs = last.then(() => interpret(program, weights, inputs, cache))
          last = outputs.catch(() => {})
          return outputs
        },
        close,
        [Symbol.asyncDispose]: close,
      }
    },
  }
}
