// Fetches a model from the Hugging Face hub into the cache that Python's huggingface_hub uses.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject } from '../fields.js'
import { type CacheLayout, cachedCommit, cacheLayout, isThere, placeInSnapshot, savingTo, writeRef } from './cache.js'
import { lackingFile } from './cache-complete.js'
import { digestOf, fileSize } from './cache-digest.js'
import type { HubClient } from './client.js'
import { downloadFile, type RemoteFile } from './download.js'
import { unexpectedAnswer } from './errors.js'
import { checkShards, configName, indexName, neededFor, readShardNames, tokenizerName } from './files.js'
import { fetchAll, type HubJob, type Located, notCached, openClient, type Report, warnUnchecked } from './job.js'
import { isCommit } from './ref.js'
import { hubCacheFolder, hubEndpoint, hubToken } from './settings.js'

const defaultRevision = 'main'

interface Repository {
  commit: string
  names: string[]
}

interface Snapshot {
  client: HubClient
  job: HubJob
  layout: CacheLayout
  commit: string
  /** Where the snapshot's files go. */
  folder: string
}

/** The model's folder in the cache, after fetching what it lacks. */
export async function locateOnHub(job: HubJob): Promise<Located> {
  const revision = job.revision ?? defaultRevision
  const hubFolder = hubCacheFolder(job)
  const layout = cacheLayout(hubFolder, job.id)
  const cached = await cachedSnapshot(job, layout, revision)
  const whole = cached !== undefined && cached.lacking === undefined ? cached.located : undefined
  if (whole !== undefined && (job.offline || isCommit(revision))) return whole
  if (job.offline) {
    const lacking = cached?.lacking
    throw notCached(
      job,
      lacking ? `The copy in ${hubFolder} lacks ${lacking}.` : `It is not in the cache ${hubFolder}.`,
    )
  }
  await using client = await openHub(job, revision)
  let repository: Repository
  try {
    repository = await readRepository(client, job, whole === undefined ? job.limits.maxTries : 1)
  } catch (error) {
    if (whole === undefined) throw error
    warnUnchecked(job, error)
    return whole
  }
  const { commit } = repository
  const folder = join(layout.snapshots, commit)
  const fetched = await savingTo(hubFolder, () => fetchSnapshot({ client, job, layout, commit, folder }, repository))
  // A branch whose whole model is cached is not moved to a commit of which only a part is there.
  if (job.wanted === 'checkpoint' || cached === undefined) {
    await savingTo(hubFolder, () => writeRef(layout, revision, commit))
  }
  return { dir: folder, id: job.id.text, source: fetched ? 'hub' : 'cache', revision: commit }
}

/** What the cache has of a revision, and the first file that it lacks. */
async function cachedSnapshot(
  job: HubJob,
  layout: CacheLayout,
  revision: string,
): Promise<{ located: Located; lacking: string | undefined } | undefined> {
  const commit = await cachedCommit(layout, revision)
  if (commit === undefined) return undefined
  const dir = join(layout.snapshots, commit)
  const located: Located = { dir, id: job.id.text, source: 'cache', revision: commit }
  return { located, lacking: await lackingFile(dir, job.wanted) }
}

async function openHub(job: HubJob, revision: string): Promise<HubClient> {
  const token = await hubToken(job.env)
  const target = {
    service: 'Hugging Face',
    endpoint: hubEndpoint(job.env),
    id: job.id.text,
    revision,
    tokenName: 'HF_TOKEN',
    hasToken: token !== undefined,
  }
  return openClient(job, target, token === undefined ? {} : { authorization: `Bearer ${token}` })
}

async function readRepository(client: HubClient, job: HubJob, maxTries: number): Promise<Repository> {
  const { endpoint, id, revision } = client.target
  const url = `${endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`
  const answer = await client.json(url, job.signal, maxTries)
  if (isJsonObject(answer) && typeof answer.sha === 'string' && isCommit(answer.sha)) {
    const names = Array.isArray(answer.siblings) ? answer.siblings.map(siblingName) : []
    if (names.length > 0 && names.every((name) => name !== undefined)) return { commit: answer.sha, names }
  }
  throw unexpectedAnswer(client.target, 'Its description of the model names no commit or no files.')
}

function siblingName(sibling: unknown): string | undefined {
  return isJsonObject(sibling) && typeof sibling.rfilename === 'string' ? sibling.rfilename : undefined
}

/** Complete the snapshot. Returns whether anything had to be fetched. */
async function fetchSnapshot(snapshot: Snapshot, repository: Repository): Promise<boolean> {
  const { job, folder } = snapshot
  const { names } = repository
  const blobs = new Map<string, string>()
  const { small, weights } = neededFor[job.wanted](job.id.text, names)
  if (weights === undefined) await fetchMissing(snapshot, [indexName], blobs)
  const shards = weights ?? (await readShardNames(blobs.get(indexName) ?? join(folder, indexName)))
  checkShards(job.id.text, shards, names)
  await fetchMissing(snapshot, [...small, ...shards], blobs)
  // One file comes last: a snapshot that has it has everything, even if this is cut short.
  const last = job.wanted === 'tokenizer' ? tokenizerName : configName
  const ordered = [...blobs].sort(([a], [b]) => Number(a === last) - Number(b === last))
  for (const [path, blob] of ordered) await placeInSnapshot(blob, join(folder, path))
  return blobs.size > 0
}

/** Fetch the files that the snapshot lacks, and note the blob of each. */
async function fetchMissing(snapshot: Snapshot, paths: readonly string[], blobs: Map<string, string>): Promise<void> {
  const missing: { path: string }[] = []
  for (const path of paths) {
    if (!blobs.has(path) && !(await isThere(join(snapshot.folder, path)))) missing.push({ path })
  }
  if (missing.length === 0) return
  await mkdir(snapshot.layout.blobs, { recursive: true })
  await mkdir(snapshot.layout.locks, { recursive: true })
  await fetchAll(snapshot.job, missing, async ({ path }, report, signal) => {
    blobs.set(path, await fetchBlob(snapshot, path, report, signal))
  })
}

async function fetchBlob(snapshot: Snapshot, path: string, report: Report, signal: AbortSignal): Promise<string> {
  const { client, job, layout } = snapshot
  const { file, etag } = await describe(snapshot, path, signal)
  const blob = join(layout.blobs, etag)
  const place = {
    path: blob,
    // Python appends to <etag>.incomplete under a lock that Node.js cannot take, so the names differ.
    incomplete: join(layout.blobs, `${etag}.qvl.incomplete`),
    lock: join(layout.locks, `${etag}.qvl.lock`),
    isDone: async () => {
      const size = await fileSize(blob)
      return size !== undefined && (file.size === undefined || size === file.size)
    },
  }
  await downloadFile(client, file, place, {
    signal,
    warn: job.warn,
    onBytes: (received) => report(received, file.size),
  })
  return blob
}

/** A file's size and entity tag, which names its blob. */
async function describe(
  { client, commit }: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<{ file: RemoteFile; etag: string }> {
  const { endpoint, id } = client.target
  const url = `${endpoint}/${id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`
  const { statusCode, headers } = await client.head(url, signal)
  // Large files redirect to a content network: the hub then gives the tag and size of what is there in headers of its own.
  const etag = bareTag(headers['x-linked-etag'] ?? headers.etag)
  const length = headers['x-linked-size'] ?? (statusCode === 200 ? headers['content-length'] : undefined)
  const size = Number(length ?? Number.NaN)
  if (etag === undefined) throw unexpectedAnswer(client.target, `It gives no usable ETag for ${path}.`)
  return { file: { path, url, size: Number.isSafeInteger(size) ? size : undefined, digest: digestOf(etag) }, etag }
}

/** An entity tag without its quotes, where it can be a file name. */
function bareTag(header: string | string[] | undefined): string | undefined {
  const tag = typeof header === 'string' ? header.replace(/^W\//, '').replace(/^"(.*)"$/, '$1') : ''
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(tag) ? tag : undefined
}
