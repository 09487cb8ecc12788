// What fetching a model takes and gives, the same for every hub, and the running of its downloads side by side.

import { QvlError } from '../../errors.js'
import { HubClient } from './client.js'
import type { HubTarget } from './errors.js'
import type { HubLimits } from './limits.js'
import type { HubId } from './ref.js'
import type { Environment } from './settings.js'

export interface DownloadEvent {
  /** Name in the repository. */
  file: string
  /** Bytes on disk, and in all as far as the hub says. */
  received: number
  total: number | undefined
  /** Files to download in all, and how many are done. */
  files: number
  done: number
}

/** A whole model, all of it but the weights, or its tokenizer alone. */
export type Wanted = 'checkpoint' | 'withoutWeights' | 'tokenizer'

export interface HubJob {
  id: HubId
  wanted: Wanted
  /** The hub's default branch when absent. */
  revision: string | undefined
  downloadDir: string | undefined
  offline: boolean
  env: Environment
  limits: HubLimits
  signal: AbortSignal
  onDownload: (event: DownloadEvent) => void
  warn: (message: string) => void
}

export interface Located {
  /** Absolute path of a folder that holds config.json, or tokenizer.json where that was wanted. */
  dir: string
  /** The model as the user named it. */
  id: string
  source: 'folder' | 'cache' | 'hub' | 'modelscope'
  /** The commit, where the hub has one. */
  revision?: string
}

/** What one download tells: how far it is. */
export type Report = (received: number, total: number | undefined) => void

export function openClient(job: HubJob, target: HubTarget, credentials: Record<string, string>): HubClient {
  return new HubClient({ target, credentials, limits: job.limits, env: job.env, warn: job.warn })
}

/** Fetch all files, a few at a time. The first failure stops the others and is thrown. */
export async function fetchAll<File extends { path: string }>(
  job: HubJob,
  files: readonly File[],
  fetchOne: (file: File, report: Report, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([job.signal, stop.signal])
  const waiting = files.values()
  let done = 0
  const work = async (): Promise<void> => {
    for (const file of waiting) {
      signal.throwIfAborted()
      let last: Pick<DownloadEvent, 'received' | 'total'> = { received: 0, total: undefined }
      const tell = (): void => job.onDownload({ file: file.path, ...last, files: files.length, done })
      await fetchOne(
        file,
        (received, total) => {
          last = { received, total }
          tell()
        },
        signal,
      )
      done += 1
      tell()
    }
  }
  const workers = Array.from({ length: Math.min(job.limits.maxParallelFiles, files.length) }, work)
  const first = Promise.all(workers)
  first.catch((error: unknown) => stop.abort(error))
  // Wait for every worker, so that none still writes when this returns.
  await Promise.allSettled(workers)
  await first
}

/** A cached model that could not be compared with the hub is still used, with a warning that says why. */
export function warnUnchecked(job: HubJob, error: unknown): void {
  job.signal.throwIfAborted()
  if (!(error instanceof QvlError)) throw error
  job.warn(`Using ${job.id.text} from the cache without checking for a newer version: ${error.message}`)
}

/** `why` is a sentence about what the cache has instead. */
export function notCached(job: HubJob, why: string): QvlError {
  return new QvlError('MODEL_NOT_FOUND', {
    what: `${job.id.text} is not ready to be used offline.`,
    why,
    do: 'Fetch it once with a network and without HF_HUB_OFFLINE, or pass the folder of a checkpoint.',
    param: 'model',
  })
}
