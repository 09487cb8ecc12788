// How a model that reads images is put on a device: two programs that take turns.

import type { ModelConfig } from '../checkpoint/config.js'
import type { WeightTable } from '../checkpoint/weights.js'
import type { LoadedProgram, LoadOptions } from '../devices/device.js'
import type { Model } from '../models/model.js'
import type { Program } from '../program/program.js'
import { Images } from './images.js'
import type { EngineOptions } from './options.js'
import type { QueuedDevice } from './queue.js'
import type { Turns } from './turns.js'

interface OpenImagesOptions extends Pick<EngineOptions, 'media'> {
  turns: Pick<Turns, 'take'>
  numLanes: number
  load(tower: Program, weights: WeightTable): Promise<LoadedProgram>
}

/** Undefined for a model that reads text only. */
export function imagesOf({ vision }: Model, config: ModelConfig, options: OpenImagesOptions): Images | undefined {
  if (vision === undefined || config.family !== 'qwen3-vl') return undefined
  const { patchSize, temporalPatchSize, spatialMergeSize: mergeSize } = config.vision
  const { turns, numLanes, media, load } = options
  return new Images({
    model: vision,
    loadTower: () => load(vision.program, vision.weights),
    turns,
    numLanes,
    media,
    patches: { patchSize, temporalPatchSize, mergeSize },
  })
}

/** The tower keeps bfloat16 or float32 products: its activations have outliers that int8 would cut. Its packed weights are its own. */
export function visionLoad(load: LoadOptions): LoadOptions {
  const { fingerprint } = load
  return { ...load, quantization: undefined, maxRows: undefined, fingerprint: fingerprint && `${fingerprint}-vision` }
}

/** A program as one of two who use the machine. What it is told to forget is forgotten in turn, as before. */
export function inTurns(program: QueuedDevice, turns: Pick<Turns, 'take'>): QueuedDevice {
  const { keptSpans, wholeSequences, numLanes } = program
  return {
    ...(wholeSequences && { wholeSequences }),
    ...(numLanes && { numLanes }),
    run: (inputs) => turns.take(() => program.run(inputs)),
    ...(keptSpans && {
      keptSpans: {
        bytes: (rows) => keptSpans.bytes(rows),
        forget: (keep) => void turns.take(async () => keptSpans.forget(keep)),
      },
    }),
  }
}
