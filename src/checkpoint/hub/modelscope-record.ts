// What a ModelScope folder holds: written beside the files, because their names do not tell which version they are.

import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isJsonObject } from '../fields.js'
import { isMissing } from '../file-bytes.js'
import { readOptionalJsonFile } from '../json.js'
import { replaceFile } from './cache.js'
import { type Digest, hasContent } from './cache-digest.js'

/** Our own files in a model's folder: the record, locks and unfinished downloads. */
export const ownFolder = '.qvl'

export interface FolderRecord {
  revision: string
  /** False from the first change to the last: a folder that says so may hold two versions at once. */
  complete: boolean
  /** By path: the content last verified, and the file's size and time then. */
  files: Record<string, RecordedFile>
}

interface RecordedFile {
  sha256: string
  size: number
  mtimeMs: number
}

/** The folder's record; undefined where there is none, as in a folder that Python filled. */
export async function readRecord(folder: string): Promise<FolderRecord | undefined> {
  const record = await readOptionalJsonFile(recordPath(folder), { what: 'the record of a download' })
  if (!isJsonObject(record) || typeof record.revision !== 'string' || !isJsonObject(record.files)) return undefined
  const files: Record<string, RecordedFile> = {}
  for (const [path, file] of Object.entries(record.files)) if (isRecordedFile(file)) files[path] = file
  return { revision: record.revision, complete: record.complete === true, files }
}

/** Write the record, unless it says so already: the folder may be one that this user can only read. */
export async function writeRecord(folder: string, record: FolderRecord): Promise<void> {
  const path = recordPath(folder)
  const text = JSON.stringify(record)
  // A record that cannot be read is one that differs.
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return
  await mkdir(dirname(path), { recursive: true })
  await replaceFile(path, text)
}

/** Whether a file has this content: by the record where the file is unchanged since, else by reading it. */
export async function isCurrent(
  folder: string,
  path: string,
  wanted: { size: number | undefined; digest: Digest | undefined },
  options: { record: FolderRecord; signal: AbortSignal },
): Promise<boolean> {
  const found = await describeFile(folder, path)
  if (found === undefined) return false
  const known = options.record.files[path]
  const unchanged = known !== undefined && known.size === found.size && known.mtimeMs === found.mtimeMs
  if (unchanged && wanted.digest !== undefined) return known.sha256 === wanted.digest.hex
  const current = await hasContent(join(folder, path), wanted, options.signal)
  if (current) await noteFile(folder, path, wanted.digest, options.record)
  return current
}

/** Note that a file was verified to have this content. */
export async function noteFile(
  folder: string,
  path: string,
  digest: Digest | undefined,
  record: FolderRecord,
): Promise<void> {
  const found = await describeFile(folder, path)
  if (found !== undefined && digest !== undefined) record.files[path] = { sha256: digest.hex, ...found }
}

async function describeFile(folder: string, path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    const { size, mtimeMs } = await stat(join(folder, path))
    return { size, mtimeMs }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isRecordedFile(file: unknown): file is RecordedFile {
  if (!isJsonObject(file)) return false
  return typeof file.sha256 === 'string' && typeof file.size === 'number' && typeof file.mtimeMs === 'number'
}

function recordPath(folder: string): string {
  return join(folder, ownFolder, 'record.json')
}
