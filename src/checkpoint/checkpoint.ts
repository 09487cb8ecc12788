// The front door of this folder: everything about a checkpoint that is on disk, opened and checked.

import { stat } from 'node:fs/promises'
import { QvlError } from '../errors.js'
import { type ModelConfig, readConfig } from './config.js'
import type { JsonObject } from './fields.js'
import { fingerprintCheckpoint } from './fingerprint.js'
import { hasWeights } from './hub/cache-complete.js'
import { readSentenceTransformers, type SentenceTransformers } from './sentence-transformers.js'
import { openShards } from './shards.js'
import { weightTable } from './weight-table.js'
import type { WeightTable } from './weights.js'

export interface Checkpoint {
  dir: string
  config: ModelConfig
  weights: WeightTable
  /** Undefined where the checkpoint has no files of sentence-transformers. */
  sentenceTransformers: SentenceTransformers | undefined
  /** Changes when the checkpoint's files change; hex. */
  fingerprint: string
  /** Size of all tensors in `weights`. */
  weightBytes: number
  /** The real paths of the weights files. */
  files: readonly string[]
}

export interface OpenCheckpointOptions {
  /** vLLM's `--hf-overrides`, merged into config.json. */
  hfOverrides?: JsonObject | undefined
  /** `optional`: a folder without weights will do, for what only makes prompts; `weights` is empty then (default needed). */
  weights?: 'needed' | 'optional' | undefined
  /** Told about parts of the checkpoint that are ignored. */
  warn?: ((message: string) => void) | undefined
}

/** Reads configuration and headers, no tensor data. Throws a QvlError that names the file, field or tensor at fault. */
export async function openCheckpoint(dir: string, options: OpenCheckpointOptions = {}): Promise<Checkpoint> {
  const { hfOverrides, weights: wanted = 'needed', warn = () => {} } = options
  await checkFolder(dir)
  const config = await readConfig(dir, { overrides: hfOverrides, warn })
  const sentenceTransformers = await readSentenceTransformers(dir)
  const isNeeded = wanted === 'needed' || (await hasWeights(dir))
  const shards = isNeeded ? await openShards(dir, warn) : { files: [], tensors: new Map() }
  const weights = weightTable(shards, warn)
  return {
    dir,
    config,
    weights,
    sentenceTransformers,
    fingerprint: await fingerprintCheckpoint(dir, {
      weights: shards.files,
      modules: sentenceTransformers?.modules ?? [],
    }),
    weightBytes: [...weights.values()].reduce((sum, tensor) => sum + ('bytes' in tensor ? tensor.bytes : 0), 0),
    files: shards.files.map(({ file }) => file),
  }
}

async function checkFolder(dir: string): Promise<void> {
  const stats = await stat(dir).catch((cause: unknown) => {
    throw notFolder(dir, 'It does not exist, or cannot be read.', cause)
  })
  if (!stats.isDirectory()) throw notFolder(dir, 'It is a file.')
}

function notFolder(dir: string, why: string, cause?: unknown): QvlError {
  return new QvlError('MODEL_NOT_FOUND', {
    what: `${dir} is not a folder.`,
    why,
    do: 'Give the folder of a Hugging Face checkpoint, with config.json and model.safetensors.',
    cause,
  })
}
