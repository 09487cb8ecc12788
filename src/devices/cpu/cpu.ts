// The device that runs programs on qvl's own kernels.

import type { WeightTable } from '../../checkpoint/weights.js'
import { QvlError } from '../../errors.js'
import type { Program } from '../../program/program.js'
import { usableCores } from '../cores.js'
import type { Device, LoadedProgram, LoadOptions } from '../device.js'
import { refuseFloat16 } from '../products.js'
import { isOutOfMemory, isUnreadable, loadAddon } from './addon.js'
import { CpuProgram } from './cpu-program.js'
import { keepInBf16 } from './int8.js'
import type { Format, NativeCpu } from './native.js'
import { packedFile } from './packed-cache.js'
import { makePlan } from './plan.js'

/** Throws DEVICE_UNAVAILABLE where the addon was not built or QVL_CPU_ISA names a set this machine lacks. */
export function createCpuDevice(): Device {
  const native = loadAddon()
  return { name: 'cpu', load: (program, weights, options) => load(native, program, weights, options) }
}

async function load(
  native: NativeCpu,
  program: Program,
  weights: WeightTable,
  options: LoadOptions,
): Promise<LoadedProgram> {
  refuseFloat16('cpu', options)
  const products = productFormat(weights, options)
  const plan = makePlan(
    program,
    weights,
    products === 'i8' ? { products, keepBf16: keepInBf16(program) } : { products },
  )
  const cacheFile = packedFile(plan, options)
  try {
    const threads = options.threads ?? usableCores()
    const handle = await native.load(plan, { threads, ...(cacheFile && { cacheFile }) })
    if (handle.warning !== undefined) options.warn?.(handle.warning)
    return new CpuProgram(native, { handle, products, threads })
  } catch (cause) {
    throw loadFailed(cause)
  }
}

function loadFailed(cause: unknown): QvlError {
  const what = 'The cpu device could not load the model.'
  if (isUnreadable(cause)) {
    const why = 'A weights file cannot be read, or has become shorter since it was opened.'
    return new QvlError('DEVICE_FAILED', { what, why, do: 'Check the checkpoint, or download it again.', cause })
  }
  const why = isOutOfMemory(cause) ? 'Memory ran out while its weights were packed.' : 'Packing its weights failed.'
  const todo = 'Check the free memory, or use a smaller model or --quantization int8; --debug shows the reason.'
  return new QvlError('DEVICE_FAILED', { what, why, do: todo, cause })
}

/** The number type of matrix products: what was asked for, else bf16 for bf16 checkpoints and float32 for others. */
export function productFormat(weights: WeightTable, { dtype, quantization }: LoadOptions): Format {
  if (quantization === 'int8') return 'i8'
  if (dtype === 'float32') return 'f32'
  if (dtype === 'bfloat16') return 'bf16'
  return [...weights.values()].some((tensor) => tensor.dtype === 'BF16') ? 'bf16' : 'f32'
}
