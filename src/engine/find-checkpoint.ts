// Finds the checkpoint that the options name, and opens it.

import { type Checkpoint, openCheckpoint } from '../checkpoint/checkpoint.js'
import { locateCheckpoint } from '../checkpoint/locate.js'
import type { EngineOptions } from './options.js'

export type CheckpointOptions = Pick<
  EngineOptions,
  'model' | 'revision' | 'downloadDir' | 'hfOverrides' | 'warn' | 'signal' | 'onDownload'
>

/** Throws MODEL_*, HUB_*, CHECKPOINT_*, CONFIG_* and TENSOR_*. */
export async function findCheckpoint(options: CheckpointOptions): Promise<Checkpoint> {
  const { model, revision, downloadDir, hfOverrides, warn, signal, onDownload } = options
  const { dir } = await locateCheckpoint(model, {
    revision,
    downloadDir,
    ...(warn && { warn }),
    ...(onDownload && { onDownload }),
    ...(signal && { signal }),
  })
  return await openCheckpoint(dir, { hfOverrides, warn })
}
