// The model that a throughput run computes: a checkpoint's, or one of the same shape with random weights.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ModelConfig, networkOf, parseConfig } from '../../checkpoint/config.js'
import { readJsonFile } from '../../checkpoint/json.js'
import type { WeightTable } from '../../checkpoint/weights.js'
import type { LoadOptions } from '../../devices/device.js'
import { QvlError } from '../../errors.js'
import type { Model } from '../../models/model.js'
import { qwen3Vl } from '../../models/qwen3-vl.js'
import { visionWeightShapes } from '../../models/qwen3-vl-vision.js'
import { type CheckpointOptions, findCheckpoint } from '../find-checkpoint.js'
import { dtypeOf, networkAlone, networkShapes } from '../load-model.js'
import { makeDummyWeights } from './dummy-weights.js'

export interface MeasuredModel {
  model: Model
  config: ModelConfig
  vocabSize: number
  maxPositions: number
  /** Names the weights' content. */
  fingerprint: string
  /** Of matrix products. */
  dtype: LoadOptions['dtype']
}

export interface MeasuredModelOptions extends CheckpointOptions {
  dummyWeights: boolean
  dtype?: LoadOptions['dtype']
  /** Of dummy weights. */
  seed: number
  /** Dummy weights are written here. */
  folder: string
  /** Whether images are computed; without them a model that could read some has no vision tower. */
  images: boolean
}

/**
 * Throws what finding and reading a checkpoint throws; with dummy weights, CHECKPOINT_FILE_MISSING and CONFIG_*; and USAGE
 * for images with a model that reads none.
 */
export async function openMeasuredModel(options: MeasuredModelOptions): Promise<MeasuredModel> {
  if (options.dummyWeights) return await dummyModel(options)
  const { config, weights, fingerprint } = await findCheckpoint(options)
  return { ...factsOf(config, options), model: await measuredNetwork(config, weights, options), fingerprint }
}

async function dummyModel(options: MeasuredModelOptions): Promise<MeasuredModel> {
  const { model: path, hfOverrides, seed, folder } = options
  const file = (await isFolder(path)) ? join(path, 'config.json') : path
  const raw = await readJsonFile(file, { what: "a model's configuration", code: 'CONFIG_INVALID' })
  const config = parseConfig(raw, hfOverrides, file)
  const tower = options.images && config.family === 'qwen3-vl' ? visionWeightShapes(config.vision) : []
  const weights = await makeDummyWeights(new Map([...networkShapes(config), ...tower]), { folder, seed })
  const measured = await measuredNetwork(config, weights, options)
  return { ...factsOf(config, options), model: measured, fingerprint: `dummy ${seed}` }
}

async function measuredNetwork(
  config: ModelConfig,
  weights: WeightTable,
  { images, model }: MeasuredModelOptions,
): Promise<Model> {
  if (!images) return networkAlone(config, weights)
  if (config.family === 'qwen3-vl') return await qwen3Vl(config, weights)
  throw new QvlError('USAGE', {
    what: `${model} reads no images.`,
    why: 'It has no vision tower.',
    do: 'Name a Qwen3-VL model, or measure with --dataset-name random or random-rerank.',
    param: '--dataset-name',
  })
}

type Facts = Omit<MeasuredModel, 'model' | 'fingerprint'>

function factsOf(config: ModelConfig, { dtype }: MeasuredModelOptions): Facts {
  const { vocabSize, maxPositions } = networkOf(config)
  return { config, vocabSize, maxPositions, dtype: dtypeOf(config, dtype) }
}

/** What is not there is reported when it is read. */
const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
