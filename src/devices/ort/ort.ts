// The device that runs programs with ONNX Runtime: lowered to ONNX, each in a worker thread of its own.

import type { WeightTable } from '../../checkpoint/weights.js'
import { QvlError } from '../../errors.js'
import type { Program } from '../../program/program.js'
import { usableCores } from '../cores.js'
import type { Device, LoadedProgram, LoadOptions } from '../device.js'
import { checkWeightFiles } from '../onnx/initialisers.js'
import { lowerToOnnx } from '../onnx/lower.js'
import { checkProducts } from '../products.js'
import { provider } from './provider.js'
import { startWorker, WorkerProgram } from './worker-program.js'

/** Throws DEVICE_UNAVAILABLE where ONNX Runtime is not installed or cannot run. */
export async function createOrtDevice(): Promise<Device> {
  // The runtime takes an unknown provider without a word and computes on another, so ask before.
  const names = (await ortProviders()).map(({ name }) => name)
  if (!names.includes(provider)) throw lacksProvider(names)
  return { name: 'ort', load }
}

/** What the installed runtime knows to compute on; parts of it may have to be installed besides. */
export interface OrtProvider {
  name: string
  /** Whether all that it needs of the runtime is here. */
  bundled: boolean
}

/** Throws DEVICE_UNAVAILABLE. */
export async function ortProviders(): Promise<OrtProvider[]> {
  const { listSupportedBackends } = await importRuntime()
  return listSupportedBackends().map(({ name, bundled }) => ({ name, bundled }))
}

async function load(program: Program, weights: WeightTable, options: LoadOptions): Promise<LoadedProgram> {
  checkProducts('ort', 'float32', options)
  const threads = options.threads ?? usableCores()
  const lowered = lowerToOnnx(program, weights)
  await checkWeightFiles(weights)
  const loading = new WorkerProgram(startWorker({ lowered, threads }), { products: 'float32', threads })
  await loading.loaded
  return loading
}

async function importRuntime(): Promise<typeof import('onnxruntime-node')> {
  // The runtime would write a device id and send usage data; it reads this when it is loaded.
  process.env.ORT_DISABLE_TELEMETRY ??= '1'
  try {
    return await import('onnxruntime-node')
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
    throw new QvlError('DEVICE_UNAVAILABLE', {
      what: 'ONNX Runtime is not available.',
      why: missing
        ? 'The optional package onnxruntime-node is not installed.'
        : 'The package onnxruntime-node cannot be loaded on this machine.',
      do: missing
        ? 'Install it with `npm install onnxruntime-node`, or choose another device.'
        : 'Check that the package supports this operating system and processor, or choose another device.',
      cause,
    })
  }
}

const lacksProvider = (names: readonly string[]): QvlError =>
  new QvlError('DEVICE_UNAVAILABLE', {
    what: `This ONNX Runtime cannot compute on ${provider}.`,
    why: `It was built for ${names.join(', ') || 'nothing'}.`,
    do: 'Install onnxruntime-node again, or choose another device.',
  })
