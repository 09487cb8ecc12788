// The model that a throughput run computes: a checkpoint's, or one of the same shape with random weights.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ModelConfig, parseConfig } from '../../checkpoint/config.js'
import { readJsonFile } from '../../checkpoint/json.js'
import type { Model } from '../../models/model.js'
import { qwen3, qwen3WeightShapes } from '../../models/qwen3.js'
import { type CheckpointOptions, findCheckpoint } from '../find-checkpoint.js'
import { makeDummyWeights } from './dummy-weights.js'

export interface MeasuredModel {
  model: Model
  vocabSize: number
  maxPositions: number
  /** Names the weights' content. */
  fingerprint: string
}

export interface MeasuredModelOptions extends CheckpointOptions {
  dummyWeights: boolean
  /** Of dummy weights. */
  seed: number
  /** Dummy weights are written here. */
  folder: string
}

/** Throws what finding and reading a checkpoint throws; with dummy weights, CHECKPOINT_FILE_MISSING and CONFIG_*. */
export async function openMeasuredModel(options: MeasuredModelOptions): Promise<MeasuredModel> {
  if (options.dummyWeights) return await dummyModel(options)
  const { config, weights, fingerprint } = await findCheckpoint(options)
  return { ...sizesOf(config), model: qwen3(config.text, weights), fingerprint }
}

async function dummyModel({ model: path, hfOverrides, seed, folder }: MeasuredModelOptions): Promise<MeasuredModel> {
  const file = (await isFolder(path)) ? join(path, 'config.json') : path
  const raw = await readJsonFile(file, { what: "a model's configuration", code: 'CONFIG_INVALID' })
  const config = parseConfig(raw, hfOverrides, file)
  const weights = await makeDummyWeights(qwen3WeightShapes(config.text), { folder, seed })
  return { ...sizesOf(config), model: qwen3(config.text, weights), fingerprint: `dummy ${seed}` }
}

const sizesOf = ({ text }: ModelConfig): Pick<MeasuredModel, 'vocabSize' | 'maxPositions'> => ({
  vocabSize: text.vocabSize,
  maxPositions: text.maxPositions,
})

/** What is not there is reported when it is read. */
const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
