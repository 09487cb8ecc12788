// What an engine will take of the machine, known before it is opened: from the configuration and the headers of the weights.

import type { Checkpoint } from '../checkpoint/checkpoint.js'
import { networkOf } from '../checkpoint/config.js'
import { usableCores } from '../devices/cores.js'
import { productFormat } from '../devices/cpu/cpu.js'
import { cpuFootprint, type Footprint } from '../devices/cpu/footprint.js'
import type { Arithmetic, DeviceName } from '../devices/device.js'
import { chooseDevice } from '../devices/open-device.js'
import type { Program } from '../program/program.js'
import { findCheckpoint } from './find-checkpoint.js'
import { defaultMaxNumBatchedTokens, defaultMaxNumSeqs, maxPromptTokens } from './limits.js'
import { dtypeOf, networkAlone } from './load-model.js'
import type { EngineOptions } from './options.js'

/** Sizes are in bytes. */
export interface EnginePlan {
  device: DeviceName
  /** Number type of the matrix products. */
  dtype: Arithmetic['products']
  threads: number
  maxModelLen: number
  maxNumBatchedTokens: number
  /** Of the checkpoint's tensors on disk. */
  weightBytes: number
  /** Of the weights as the device holds them. */
  packedBytes: number
  /** Of the values of a full batch. */
  workspaceBytes: number
  /** The same for the longest prompt that is taken, which runs alone where it is longer than a batch. */
  longestPromptBytes: number
  prefixCacheBytes: number
}

/** Throws what finding and reading a checkpoint throws, and USAGE for a length that the model cannot do. */
export async function planEngine(options: EngineOptions): Promise<EnginePlan> {
  const checkpoint = await findCheckpoint(options)
  const { config, sentenceTransformers } = checkpoint
  const arithmetic = { ...options, dtype: dtypeOf(config, options.dtype) }
  const device = chooseDevice(options.device ?? 'auto', (message) => options.warn?.(message))
  const { maxNumBatchedTokens = defaultMaxNumBatchedTokens, maxNumSeqs = defaultMaxNumSeqs } = options
  const maxModelLen = maxPromptTokens(options.maxModelLen, networkOf(config).maxPositions, sentenceTransformers?.limits)
  const footprint = (rows: number, sequences: number) =>
    footprintOn(device, checkpoint, { ...arithmetic, rows, sequences })
  const batch = footprint(maxNumBatchedTokens, maxNumSeqs)
  return {
    device,
    dtype: productsOf(device, checkpoint, arithmetic),
    threads: device === 'reference' ? 1 : (options.threads ?? usableCores()),
    maxModelLen,
    maxNumBatchedTokens,
    weightBytes: checkpoint.weightBytes,
    packedBytes: batch.packedBytes,
    workspaceBytes: batch.workspaceBytes,
    longestPromptBytes: footprint(maxModelLen, 1).workspaceBytes,
    prefixCacheBytes: device === 'cpu' ? (options.prefixCacheBytes ?? 0) : 0,
  }
}

interface BatchSize extends Pick<EngineOptions, 'dtype' | 'quantization'> {
  rows: number
  sequences: number
}

/** The head of a reranker is left out: it is one row. */
function footprintOn(device: DeviceName, { config, weights }: Checkpoint, size: BatchSize): Footprint {
  const { program } = networkAlone(config, weights)
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
      return { packedBytes: floatBytes(weights), workspaceBytes: allBytes(program, size.rows) }
    default:
      return device satisfies never
  }
}

function productsOf(device: DeviceName, { weights }: Checkpoint, options: EngineOptions): Arithmetic['products'] {
  if (device !== 'cpu') return device === 'ort' ? 'float32' : 'float64'
  return ({ f32: 'float32', bf16: 'bfloat16', i8: 'int8' } as const)[productFormat(weights, options)]
}

const floatBytes = (weights: Checkpoint['weights']): number =>
  [...weights.values()].reduce((sum, { shape }) => sum + 4 * shape.reduce((product, axis) => product * axis, 1), 0)

const allBytes = ({ shapes }: Program, rows: number): number =>
  shapes.reduce((sum, { width }) => sum + 8 * rows * width, 0)
