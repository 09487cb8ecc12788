// How much memory a program will take on each device, known before anything is loaded.

import type { WeightTable } from '../checkpoint/weights.js'
import type { Program } from '../program/program.js'
import { cpuFootprint, type Footprint, type FootprintOptions } from './cpu/footprint.js'
import type { DeviceName } from './device.js'

export function footprintOn(
  device: DeviceName,
  { program, weights }: { program: Program; weights: WeightTable },
  size: FootprintOptions,
): Footprint {
  switch (device) {
    case 'cpu':
      return cpuFootprint(program, weights, size)
    case 'ort':
      // ONNX Runtime has weights and values in float32. It lays weights out anew beside the first copy while it loads,
      // and its arena grows by doubling.
      return {
        packedBytes: 2 * floatBytes(weights),
        workspaceBytes:
          2 * cpuFootprint(program, weights, { ...size, dtype: 'float32', quantization: undefined }).workspaceBytes,
      }
    case 'reference':
      // Every value of a run is kept, in float64.
      return { packedBytes: floatBytes(weights), workspaceBytes: allBytes(program, size) }
    case 'npu':
      // Weights and values are in the memory of the devices. Here are the inputs and outputs of two batches.
      return { packedBytes: 0, workspaceBytes: 2 * inputBytes(program, size.rows) }
    default:
      return device satisfies never
  }
}

const floatBytes = (weights: WeightTable): number =>
  [...weights.values()].reduce((sum, { shape }) => sum + 4 * shape.reduce((product, axis) => product * axis, 1), 0)

/** Of the inputs of one batch, which are float32 or int32. */
export const inputBytes = ({ inputs, shapes }: Program, rows: number): number =>
  inputs.reduce((sum, input) => sum + (input.kind === 'spans' ? 0 : 4 * rows * shapes[input.value]!.width), 0)

const allBytes = ({ shapes }: Program, { rows, fewer = {} }: FootprintOptions): number =>
  shapes.reduce((sum, { rows: name, width }) => sum + 8 * (fewer[name] ?? rows) * width, 0)
