// Loads what a throughput run computes, twice: the first start of a checkpoint, and every later one.

import type { Device, LoadedProgram, LoadOptions } from '../../devices/device.js'
import type { Model } from '../../models/model.js'
import { visionLoad } from '../open-images.js'

export interface LoadedPrograms extends AsyncDisposable {
  decoder: LoadedProgram
  /** Of models that are measured with images. */
  tower: LoadedProgram | undefined
}

/** From weights on disk to ready, in seconds. */
export interface LoadSeconds {
  first: number
  second: number
}

/** The first load finds nothing that the device keeps on disk between starts, the second finds all of it. */
export async function loadTwice(
  device: Device,
  model: Model,
  options: LoadOptions & { signal?: AbortSignal | undefined },
): Promise<{ programs: LoadedPrograms; loadSeconds: LoadSeconds }> {
  const load = async (): Promise<{ programs: LoadedPrograms; seconds: number }> => {
    options.signal?.throwIfAborted()
    const started = performance.now()
    const programs = await loadPrograms(device, model, options)
    return { programs, seconds: (performance.now() - started) / 1000 }
  }
  const first = await load()
  await first.programs[Symbol.asyncDispose]()
  const second = await load()
  return { programs: second.programs, loadSeconds: { first: first.seconds, second: second.seconds } }
}

async function loadPrograms(device: Device, model: Model, options: LoadOptions): Promise<LoadedPrograms> {
  const decoder = await device.load(model.program, model.weights, options)
  try {
    const { vision } = model
    const tower = vision && (await device.load(vision.program, vision.weights, visionLoad(options)))
    return {
      decoder,
      tower,
      async [Symbol.asyncDispose]() {
        await tower?.close()
        await decoder.close()
      },
    }
  } catch (error) {
    await decoder.close()
    throw error
  }
}
