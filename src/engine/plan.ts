// What an engine will take of the machine, known before it is opened: from the configuration and the headers of the weights.

import type { Checkpoint } from '../checkpoint/checkpoint.js'
import { networkOf } from '../checkpoint/config.js'
import type { WeightTable } from '../checkpoint/weights.js'
import { usableCores } from '../devices/cores.js'
import { productFormat } from '../devices/cpu/cpu.js'
import type { Footprint } from '../devices/cpu/footprint.js'
import type { Arithmetic, DeviceName } from '../devices/device.js'
import { footprintOn, inputBytes } from '../devices/footprint.js'
import { chooseDevice } from '../devices/open-device.js'
import { officialSampling } from '../media/sampling.js'
import { imageLimits } from '../media/smart-resize.js'
import { visionTower } from '../models/qwen3-vl-vision.js'
import type { Program } from '../program/program.js'
import { findCheckpoint } from './find-checkpoint.js'
import {
  defaultMaxNumBatchedTokens,
  defaultMaxNumSeqs,
  defaultVisualCacheBytes,
  maxPatchesPerRun,
  maxPromptTokens,
} from './limits.js'
import { dtypeOf, networkAlone } from './load-model.js'
import type { EngineOptions } from './options.js'

/** Sizes are in bytes. */
export interface EnginePlan {
  device: DeviceName
  /** Devices with memory of their own, where weights and values are; absent for those that use this machine's. */
  ownMemory?: { numDevices: number }
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
  /** Of models that read images. */
  tower?: TowerPlan
}

export interface TowerPlan {
  packedBytes: number
  /** Of the values of a full run, and of the patches of the next one. */
  workspaceBytes: number
  /** The same for the largest image or video that the server's own settings give, which runs alone. */
  largestBytes: number
  /** Of the features that are kept. */
  cacheBytes: number
}

/** Throws what finding and reading a checkpoint throws, and USAGE for a length that the model cannot do. */
export async function planEngine(options: EngineOptions): Promise<EnginePlan> {
  const checkpoint = await findCheckpoint(options)
  const { config, sentenceTransformers } = checkpoint
  const arithmetic = { ...options, dtype: dtypeOf(config, options.dtype) }
  const device = chooseDevice(options.device ?? 'auto', (message) => options.warn?.(message))
  const { maxNumBatchedTokens = defaultMaxNumBatchedTokens, maxNumSeqs = defaultMaxNumSeqs } = options
  const maxModelLen = maxPromptTokens(options.maxModelLen, networkOf(config).maxPositions, {
    ...sentenceTransformers?.limits,
    device,
  })
  const decoder = decoderOf(checkpoint)
  const { dtype, quantization } = arithmetic
  const footprint = (rows: number, sequences: number) =>
    footprintOn(device, decoder, { dtype, quantization, rows, sequences })
  const tower = planTower(device, checkpoint, arithmetic)
  const batch = footprint(maxNumBatchedTokens, maxNumSeqs)
  return {
    device,
    ...(device === 'npu' && { ownMemory: { numDevices: options.dataParallelSize ?? 1 } }),
    dtype: productsOf(device, checkpoint, arithmetic),
    threads: device === 'reference' ? 1 : (options.threads ?? usableCores()),
    maxModelLen,
    maxNumBatchedTokens,
    weightBytes: checkpoint.weightBytes,
    packedBytes: batch.packedBytes,
    workspaceBytes: batch.workspaceBytes,
    longestPromptBytes: footprint(maxModelLen, 1).workspaceBytes,
    prefixCacheBytes: device === 'cpu' ? (options.prefixCacheBytes ?? 0) : 0,
    ...(tower && { tower }),
  }
}

/** The network without the head of a reranker, which is one row. */
function decoderOf({ config, weights }: Checkpoint): { program: Program; weights: WeightTable } {
  const { program } = networkAlone(config, weights)
  return { program, weights: new Map([...weights].filter(([name]) => !name.startsWith('visual.'))) }
}

/** Undefined for a model that reads text only, and where no image or video is taken. */
function planTower(
  device: DeviceName,
  { config, weights }: Checkpoint,
  { media = {}, dtype }: EngineOptions,
): TowerPlan | undefined {
  const { image: maxImages, video: maxVideos } = media.limitPerPrompt ?? {}
  if (config.family !== 'qwen3-vl' || (maxImages === 0 && maxVideos === 0)) return undefined
  const { patchSize, spatialMergeSize } = config.vision
  const tower = visionTower(config.vision, weights)
  const footprint = (patches: number): Footprint =>
    footprintOn(device, tower, {
      dtype,
      rows: patches,
      sequences: 1,
      fewer: { visual: Math.ceil(patches / spatialMergeSize ** 2) },
    })
  const pixels = [
    maxImages === 0 ? 0 : (media.image?.maxPixels ?? imageLimits.maxPixels),
    maxVideos === 0 ? 0 : (media.video?.totalPixels ?? officialSampling.totalPixels),
  ]
  const largest = Math.ceil(Math.max(...pixels) / patchSize ** 2)
  const run = footprint(maxPatchesPerRun)
  return {
    packedBytes: run.packedBytes,
    // Patches of the next run are cut while one computes.
    workspaceBytes: run.workspaceBytes + inputBytes(tower.program, maxPatchesPerRun),
    largestBytes: footprint(largest).workspaceBytes,
    cacheBytes: media.cacheBytes ?? defaultVisualCacheBytes,
  }
}

function productsOf(device: DeviceName, { weights }: Checkpoint, options: EngineOptions): Arithmetic['products'] {
  if (device === 'npu') return options.dtype === undefined || options.dtype === 'auto' ? 'float16' : options.dtype
  if (device !== 'cpu') return device === 'ort' ? 'float32' : 'float64'
  return ({ f32: 'float32', bf16: 'bfloat16', i8: 'int8' } as const)[productFormat(weights, options)]
}
