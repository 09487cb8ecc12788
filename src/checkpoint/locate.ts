// Finds the folder of a checkpoint or a tokenizer: a local folder, a cached model, or one fetched from a hub.

import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { QvlError } from '../errors.js'
import { isMissing } from './file-bytes.js'
import { isThere } from './hub/cache.js'
import { configName, tokenizerName } from './hub/files.js'
import { locateOnHub } from './hub/hub.js'
import type { DownloadEvent, HubJob, Located, Wanted } from './hub/job.js'
import { defaultHubLimits, type HubLimits } from './hub/limits.js'
import { locateOnModelScope } from './hub/modelscope.js'
import { checkRevision, parseHubId } from './hub/ref.js'
import { type Environment, isOffline, usesModelScope } from './hub/settings.js'
import { quoteName } from './quote-name.js'

export type { DownloadEvent, Located } from './hub/job.js'
export { hubCacheFolder } from './hub/settings.js'

export interface LocateOptions {
  /** A branch, tag or commit; the hub's default branch when absent. */
  revision?: string | undefined
  /** Replaces the cache folder. */
  downloadDir?: string | undefined
  /** Use no network, as HF_HUB_OFFLINE=1 asks for too. */
  offline?: boolean | undefined
  /** process.env when absent. */
  env?: Environment
  signal?: AbortSignal
  onDownload?: (event: DownloadEvent) => void
  warn?: (message: string) => void
  limits?: Partial<HubLimits>
}

/**
 * The folder of the checkpoint that `ref` names. Throws MODEL_REF_INVALID, MODEL_NOT_FOUND, MODEL_UNSUPPORTED,
 * CHECKPOINT_FILE_MISSING, HUB_UNAUTHORIZED, HUB_UNAVAILABLE, HUB_FILE_CORRUPT, OUTPUT_UNWRITABLE, and the signal's
 * reason once it is aborted.
 */
export async function locateCheckpoint(ref: string, options: LocateOptions = {}): Promise<Located> {
  return locate(ref, 'checkpoint', options)
}

/** The same without the weights, which are not fetched. Throws as `locateCheckpoint`. */
export async function locateWithoutWeights(ref: string, options: LocateOptions = {}): Promise<Located> {
  return locate(ref, 'withoutWeights', options)
}

/** The folder of the tokenizer that `ref` names, fetched without its model. Throws as `locateCheckpoint`. */
export async function locateTokenizer(ref: string, options: LocateOptions = {}): Promise<Located> {
  return locate(ref, 'tokenizer', options)
}

async function locate(ref: string, wanted: Wanted, options: LocateOptions): Promise<Located> {
  const folder = await localFolder(ref, wanted)
  if (folder !== undefined) return folder
  const job = hubJob(ref, wanted, options)
  job.signal.throwIfAborted()
  return usesModelScope(job.env) ? locateOnModelScope(job) : locateOnHub(job)
}

async function localFolder(ref: string, wanted: Wanted): Promise<Located | undefined> {
  if (!(await isFolder(ref))) return undefined
  const dir = resolve(ref)
  const needed = wanted === 'tokenizer' ? tokenizerName : configName
  if (await isThere(join(dir, needed))) return { dir, id: ref, source: 'folder' }
  throw new QvlError('CHECKPOINT_FILE_MISSING', {
    what: `The folder ${quoteName(ref)} holds no ${needed}.`,
    why: 'A checkpoint is a folder with config.json, the weights and the tokenizer.',
    do: `Pass the folder that holds ${needed}; to fetch a model of this name instead, run from another folder.`,
    param: 'model',
  })
}

async function isFolder(ref: string): Promise<boolean> {
  // The system takes neither as a path.
  if (ref === '' || ref.includes('\0')) return false
  try {
    return (await stat(ref)).isDirectory()
  } catch (error) {
    if (isMissing(error) || isTooLong(error)) return false
    throw new QvlError('CHECKPOINT_FILE_MISSING', {
      what: `The folder ${quoteName(ref)} cannot be read.`,
      why: 'The operating system refused to open it.',
      do: 'Check the permissions of the folder and of those above it.',
      param: 'model',
      cause: error,
    })
  }
}

function isTooLong(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENAMETOOLONG'
}

function hubJob(ref: string, wanted: Wanted, options: LocateOptions): HubJob {
  const env = options.env ?? process.env
  return {
    id: parseHubId(ref),
    wanted,
    revision: options.revision === undefined ? undefined : checkRevision(options.revision),
    downloadDir: options.downloadDir,
    offline: options.offline === true || isOffline(env),
    env,
    limits: { ...defaultHubLimits, ...options.limits },
    signal: options.signal ?? new AbortController().signal,
    onDownload: options.onDownload ?? (() => undefined),
    warn: options.warn ?? (() => undefined),
  }
}
