// The Hugging Face cache on disk, as Python's huggingface_hub lays it out, so that both can share it.
//
//   models--org--name/refs/<revision>              the commit a branch or tag was at
//   models--org--name/blobs/<etag>                 the bytes, one file per content
//   models--org--name/snapshots/<commit>/<file>    relative links into blobs

import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { QvlError } from '../../errors.js'
import { isMissing } from '../file-bytes.js'
import { TransientFailure } from './errors.js'
import { type HubId, isCommit } from './ref.js'

/** One model's folders. */
export interface CacheLayout {
  refs: string
  blobs: string
  snapshots: string
  locks: string
}

export function cacheLayout(hubFolder: string, id: HubId): CacheLayout {
  const folder = ['models', ...(id.org === undefined ? [] : [id.org]), id.name].join('--')
  return {
    refs: join(hubFolder, folder, 'refs'),
    blobs: join(hubFolder, folder, 'blobs'),
    snapshots: join(hubFolder, folder, 'snapshots'),
    locks: join(hubFolder, '.locks', folder),
  }
}

/** The commit that the cache knows for a revision. */
export async function cachedCommit(layout: CacheLayout, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision
  try {
    const text = (await readFile(join(layout.refs, revision), 'utf8')).trim()
    return isCommit(text) ? text : undefined
  } catch (error) {
    // A folder: refs/pr holds the refs of pull requests.
    if (isMissing(error) || (error instanceof Error && 'code' in error && error.code === 'EISDIR')) return undefined
    throw error
  }
}

/** Note that a branch or tag is at this commit. */
export async function writeRef(layout: CacheLayout, revision: string, commit: string): Promise<void> {
  if (isCommit(revision) || (await cachedCommit(layout, revision)) === commit) return
  const path = join(layout.refs, revision)
  await mkdir(dirname(path), { recursive: true })
  await replaceFile(path, commit)
}

/** Write a file so that readers see either the old content or the new. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await replace(path, (unfinished) => writeFile(unfinished, content))
}

/** Put a blob under its name in a snapshot: as a relative link, or as a copy where links are impossible. */
export async function placeInSnapshot(blob: string, path: string, link: typeof symlink = symlink): Promise<void> {
  if (await isThere(path)) return
  await mkdir(dirname(path), { recursive: true })
  await replace(path, async (unfinished) => {
    try {
      await link(relative(dirname(path), blob), unfinished)
    } catch (error) {
      if (!isLinkRefusal(error)) throw error
      await copyFile(blob, unfinished)
    }
  })
}

/** Whether a path leads to a file; a link whose blob was deleted does not. */
export async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Run work that writes below `folder`; a refusal of the file system becomes OUTPUT_UNWRITABLE. */
export async function savingTo<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof QvlError || error instanceof TransientFailure) throw error
    if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error
    throw new QvlError('OUTPUT_UNWRITABLE', {
      what: `The model could not be saved in ${folder}.`,
      why: saveReason(error.code),
      do: 'Make room or correct the permissions, or choose another folder with --download-dir or HF_HOME.',
      cause: error,
    })
  }
}

function saveReason(code: unknown): string {
  switch (code) {
    case 'ENOSPC':
      return 'The disk is full; what has arrived is kept, and the next run goes on from there.'
    case 'EDQUOT':
      return 'The disk quota of this user is used up.'
    case 'EFBIG':
      return 'A file would become larger than the system allows.'
    case 'EACCES':
    case 'EPERM':
      return 'The system denied the permission to write there.'
    case 'EROFS':
      return 'The file system can only be read.'
    case 'ENOTDIR':
    case 'EEXIST':
      return 'A file is where a folder has to be.'
    default:
      return `The file system answered ${String(code)}.`
  }
}

/** Give a file its name only once it is whole, over whatever had that name. */
async function replace(path: string, make: (unfinished: string) => Promise<void>): Promise<void> {
  const unfinished = `${path}.${randomUUID()}`
  try {
    await make(unfinished)
    await rename(unfinished, path)
  } finally {
    await rm(unfinished, { force: true })
  }
}

function isLinkRefusal(error: unknown): boolean {
  // Windows without developer mode, FAT and some network file systems.
  const refusals = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'UNKNOWN']
  return error instanceof Error && 'code' in error && refusals.includes(String(error.code))
}
