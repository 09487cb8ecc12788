// The model that a throughput run computes: a checkpoint's, or one of the same shape with random weights.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ModelConfig, networkOf, parseConfig } from '../../checkpoint/config.js'
import { readJsonFile } from '../../checkpoint/json.js'
import type { LoadOptions } from '../../devices/device.js'
import type { Model } from '../../models/model.js'
import { type CheckpointOptions, findCheckpoint } from '../find-checkpoint.js'
import { dtypeOf, networkAlone, networkShapes } from '../load-model.js'
import { makeDummyWeights } from './dummy-weights.js'

export interface MeasuredModel {
  model: Model
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
}

/** Throws what finding and reading a checkpoint throws; with dummy weights, CHECKPOINT_FILE_MISSING and CONFIG_*. */
export async function openMeasuredModel(options: MeasuredModelOptions): Promise<MeasuredModel> {
  if (options.dummyWeights) return await dummyModel(options)
  const { config, weights, fingerprint } = await findCheckpoint(options)
  return { ...factsOf(config, options), model: networkAlone(config, weights), fingerprint }
}

async function dummyModel(options: MeasuredModelOptions): Promise<MeasuredModel> {
  const { model: path, hfOverrides, seed, folder } = options
  const file = (await isFolder(path)) ? join(path, 'config.json') : path
  const raw = await readJsonFile(file, { what: "a model's configuration", code: 'CONFIG_INVALID' })
  const config = parseConfig(raw, hfOverrides, file)
  const weights = await makeDummyWeights(networkShapes(config), { folder, seed })
  return { ...factsOf(config, options), model: networkAlone(config, weights), fingerprint: `dummy ${seed}` }
}

function factsOf(config: ModelConfig, { dtype }: MeasuredModelOptions): Omit<MeasuredModel, 'model' | 'fingerprint'> {
  const { vocabSize, maxPositions } = networkOf(config)
  return { vocabSize, maxPositions, dtype: dtypeOf(config, dtype) }
}

/** What is not there is reported when it is read. */
const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
