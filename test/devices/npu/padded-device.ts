// The lowering for the npu device, computed by ONNX Runtime: what a compiled program computes, without a compiler.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { WeightTable } from '#qvl/checkpoint/weights.js'
import type { Device, LoadedProgram } from '#qvl/devices/device.js'
import { parseGears } from '#qvl/devices/npu/gears.js'
import { type GearRun, inputDims, joinRuns, type NpuLayout, planRuns } from '#qvl/devices/npu/layout.js'
import { checkForAtc } from '#qvl/devices/npu/lint.js'
import { lowerPadded, traitsOf } from '#qvl/devices/npu/lower-padded.js'
import { modelName, writeModelFolder } from '#qvl/devices/npu/model-folder.js'
import type { Products } from '#qvl/devices/npu/weight-places.js'
import type { Program, ProgramInputs } from '#qvl/program/program.js'

export interface PaddedDevice extends Device {
  /** All runs so far. */
  runs: readonly GearRun[]
}

/** `gears` by what rows are: a vision tower is compiled for others. */
export function paddedDevice(gears: { tokens: string; patches: string }, products: Products = 'float32'): PaddedDevice {
  const runs: GearRun[] = []
  const load = async (program: Program, weights: WeightTable): Promise<LoadedProgram> => {
    const traits = traitsOf(program)
    const chosen = parseGears(traits.merged > 1 ? gears.patches : gears.tokens, traits)
    const padded = lowerPadded(program, weights, { gears: chosen, products })
    checkForAtc(padded.model)
    const folder = mkdtempSync(join(tmpdir(), 'qvl-padded-'))
    await writeModelFolder(folder, padded)
    const session = await InferenceSession.create(join(folder, modelName), {
      intraOpNumThreads: 2,
      logSeverityLevel: 3,
    })
    const close = async (): Promise<void> => {
      await session.release()
      rmSync(folder, { recursive: true, force: true })
    }
    const run = async (inputs: ProgramInputs) => {
      const planned = planRuns(padded.layout, inputs)
      for (const each of planned) await compute(session, padded.layout, each)
      runs.push(...planned)
      return joinRuns(padded.layout, planned)
    }
    const arithmetic = { products, threads: 2 }
    return { arithmetic, wholeSequences: true, run, close, [Symbol.asyncDispose]: close }
  }
  return { name: 'npu', load, runs }
}

async function compute(
  session: InferenceSession,
  layout: NpuLayout,
  { gear, inputs, outputs }: GearRun,
): Promise<void> {
  const feeds = layout.inputs.map(({ name, type, dims }) => {
    return [name, new Tensor(type, inputs[name]!, inputDims(dims, gear))] as const
  })
  const results = await session.run(Object.fromEntries(feeds))
  for (const [name, into] of Object.entries(outputs)) {
    const found = results[name]!.data as Float32Array
    if (found.length !== into.length) throw new RangeError(`${name} has ${found.length} numbers, not ${into.length}`)
    into.set(found)
  }
}
