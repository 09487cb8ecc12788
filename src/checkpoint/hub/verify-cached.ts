// Whether the files of a cached model are those that the hub described: hashes, sizes, headers of weights.

import { basename, relative } from 'node:path'
import { QvlError } from '../../errors.js'
import { openShards } from '../shards.js'
import { lackingFile } from './cache-complete.js'
import { digestOf, hasContent } from './cache-digest.js'
import { blobOf, type CachedModel, type CachedRevision, filesBelow } from './cached-models.js'
import { ownFolder, readRecord } from './modelscope-record.js'

export interface Problem {
  /** Its name in the repository. */
  file: string
  /** One sentence about it. */
  what: string
}

export interface Verification {
  numFiles: number
  /** Files whose content was compared with a hash of the hub. */
  numHashed: number
  problems: readonly Problem[]
}

export interface VerifyOptions {
  signal: AbortSignal
  /** Told before a file is read. */
  onFile?: (file: string) => void
}

/** Reads every file of the revision. Throws only the signal's reason. */
export async function verifyCached(
  model: CachedModel,
  revision: CachedRevision,
  { signal, onFile }: VerifyOptions,
): Promise<Verification> {
  const problems: Problem[] = []
  let numHashed = 0
  const files = (await filesBelow(revision.dir)).map((path) => ({ path, file: relative(revision.dir, path) }))
  const checked = files.filter(({ file }) => !file.startsWith(ownFolder))
  const digests = await knownDigests(model, revision)
  for (const { path, file } of checked) {
    signal.throwIfAborted()
    onFile?.(file)
    const blob = await blobOf(path)
    if (blob === undefined) {
      problems.push({ file, what: 'Its content is missing: the link leads nowhere.' })
      continue
    }
    const digest = digests.get(file) ?? digestOf(basename(blob))
    if (digest === undefined) continue
    numHashed += 1
    if (await hasContent(blob, { size: undefined, digest }, signal)) continue
    problems.push({ file, what: 'Its bytes do not have the hash that the hub gave.' })
  }
  problems.push(...(await structureProblems(revision.dir, new Set(problems.map(({ file }) => file)))))
  return { numFiles: checked.length, numHashed, problems }
}

/** ModelScope's names tell nothing about the content; the record of the download does. */
async function knownDigests({ layout }: CachedModel, { dir }: CachedRevision) {
  const record = layout === undefined ? await readRecord(dir) : undefined
  const entries = Object.entries(record?.files ?? {})
  return new Map(entries.map(([file, { sha256 }]) => [file, digestOf(sha256)] as const))
}

/** Files that are not there, and weights whose headers do not fit their sizes. */
async function structureProblems(dir: string, known: ReadonlySet<string>): Promise<Problem[]> {
  try {
    const lacking = await lackingFile(dir, 'checkpoint')
    if (lacking !== undefined) return known.has(lacking) ? [] : [{ file: lacking, what: 'It is not there.' }]
    await openShards(dir, () => {})
    return []
  } catch (error) {
    if (!(error instanceof QvlError)) throw error
    // A damaged file is named once.
    if (known.size > 0) return []
    return [{ file: error.details.param ?? 'weights', what: error.message }]
  }
}
