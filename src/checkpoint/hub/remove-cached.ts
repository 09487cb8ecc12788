// Removes a model, or one revision of it, from the cache.

import { readFile, rm, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { QvlError } from '../../errors.js'
import { isMissing } from '../file-bytes.js'
import { savingTo } from './cache.js'
import { isHeld } from './cache-lock.js'
import { blobOf, type CachedModel, type CachedRevision, filesBelow } from './cached-models.js'
import { defaultHubLimits } from './limits.js'
import { ownFolder } from './modelscope-record.js'

/** The revision that a branch, a tag, a commit or the beginning of one names. Throws MODEL_NOT_FOUND. */
export function revisionNamed({ id, revisions }: CachedModel, name: string): CachedRevision {
  const exact = revisions.find((one) => one.revision === name || one.refs.includes(name))
  const begun = name.length < minCommitLength ? [] : revisions.filter((one) => one.revision?.startsWith(name))
  const found = exact ?? (begun.length === 1 ? begun[0] : undefined)
  if (found !== undefined) return found
  const known = revisions.flatMap((one) => [...one.refs, one.revision?.slice(0, shownCommitLength) ?? []].flat())
  throw new QvlError('MODEL_NOT_FOUND', {
    what: `The cache has no revision ${JSON.stringify(name)} of ${id}.`,
    why: known.length === 0 ? 'It has none at all.' : `It has: ${known.join(', ')}.`,
    do: 'Name one of these, or see qvl models.',
    param: '--revision',
  })
}

/** As git does: shorter ones are too often ambiguous. */
const minCommitLength = 4
const shownCommitLength = 8

/** Removes all of the model, or only `revision` of it. Throws OUTPUT_UNWRITABLE, and MODEL_BUSY while it is fetched. */
export async function removeCached(model: CachedModel, revision?: CachedRevision): Promise<void> {
  await refuseWhileFetched(model)
  const isLast = revision === undefined || model.revisions.length === 1
  await savingTo(model.folder, async () => {
    if (isLast || model.layout === undefined) {
      await rm(model.folder, { recursive: true, force: true })
      if (model.layout !== undefined) await rm(model.layout.locks, { recursive: true, force: true })
      return
    }
    const { refs, blobs } = model.layout
    const unshared = await blobsOfOnly(model, revision)
    // The names go first: a run that is cut short leaves files that nothing names, not names without files.
    for (const ref of revision.refs) await rm(join(refs, ref), { force: true })
    await rm(revision.dir, { recursive: true, force: true })
    for (const blob of unshared) if (blob.startsWith(blobs + sep)) await rm(blob, { force: true })
  })
}

async function blobsOfOnly({ revisions, layout }: CachedModel, revision: CachedRevision): Promise<string[]> {
  const blobsOf = async (one: CachedRevision): Promise<string[]> => {
    const blobs = await Promise.all((await filesBelow(one.dir)).map(blobOf))
    return blobs.filter((blob) => blob !== undefined)
  }
  const others = revisions.filter(({ dir }) => dir !== revision.dir)
  const kept = new Set((await Promise.all(others.map(blobsOf))).flat())
  const own = (await blobsOf(revision)).filter((blob) => !kept.has(blob))
  // The cache folder itself may be reached through a link.
  const real = layout === undefined ? undefined : await blobOf(layout.blobs)
  return real === undefined
    ? []
    : own.map((blob) => (blob.startsWith(real) ? layout!.blobs + blob.slice(real.length) : blob))
}

async function refuseWhileFetched({ id, folder, layout }: CachedModel): Promise<void> {
  const locks = (await filesBelow(layout?.locks ?? join(folder, ownFolder))).filter((file) => file.endsWith('.lock'))
  const pythons = await lockedFiles(locks)
  for (const lock of locks) {
    if (!pythons.has(lock) && !(lock.endsWith('.qvl.lock') || layout === undefined)) continue
    if (!pythons.has(lock) && !(await isHeld(lock, defaultHubLimits))) continue
    throw new QvlError('MODEL_BUSY', {
      what: `${id} is being fetched by another process.`,
      why: `It holds the lock ${lock}.`,
      do: 'Wait until it has ended, or end it, and run again.',
    })
  }
}

/** Python locks its files with flock, which Node.js has no call for; Linux lists what is locked. */
async function lockedFiles(files: readonly string[]): Promise<ReadonlySet<string>> {
  const table = await readFile('/proc/locks', 'utf8').catch(() => '')
  const inodes = new Set([...table.matchAll(/:(\d+) \d+ (?:EOF|\d+)$/gm)].map((match) => match[1]!))
  const held = new Set<string>()
  for (const file of files) {
    try {
      if (inodes.has(String((await stat(file)).ino))) held.add(file)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return held
}
