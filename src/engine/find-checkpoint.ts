// Finds the checkpoint that the options name, and opens it.

import { type Checkpoint, openCheckpoint } from '../checkpoint/checkpoint.js'
import { locateCheckpoint, locateWithoutWeights } from '../checkpoint/locate.js'
import type { EngineOptions } from './options.js'

export type CheckpointOptions = Pick<
  EngineOptions,
  'model' | 'revision' | 'downloadDir' | 'hfOverrides' | 'warn' | 'signal' | 'onDownload'
>

/** `optional` weights are not fetched. Throws MODEL_*, HUB_*, CHECKPOINT_*, CONFIG_* and TENSOR_*. */
export async function findCheckpoint(
  options: CheckpointOptions,
  weights: 'needed' | 'optional' = 'needed',
): Promise<Checkpoint> {
  const { model, revision, downloadDir, hfOverrides, warn, signal, onDownload } = options
  const locate = weights === 'needed' ? locateCheckpoint : locateWithoutWeights
  const { dir } = await locate(model, {
    revision,
    downloadDir,
    ...(warn && { warn }),
    ...(onDownload && { onDownload }),
    ...(signal && { signal }),
  })
  return await openCheckpoint(dir, { hfOverrides, weights, warn })
}
