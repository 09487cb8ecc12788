// Fetches a model from ModelScope into the folders that Python's modelscope uses.

import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { QvlError } from '../../errors.js'
import { isJsonObject } from '../fields.js'
import { savingTo } from './cache.js'
import { lackingFile } from './cache-complete.js'
import { digestOf } from './cache-digest.js'
import type { HubClient } from './client.js'
import { downloadFile, type RemoteFile } from './download.js'
import { unexpectedAnswer } from './errors.js'
import { checkShards, indexName, neededFor, readShardNames } from './files.js'
import { fetchAll, type HubJob, type Located, notCached, openClient, type Report, warnUnchecked } from './job.js'
import { type FolderRecord, isCurrent, noteFile, ownFolder, readRecord, writeRecord } from './modelscope-record.js'
import { modelScopeCacheFolder, modelScopeEndpoint, modelScopeToken } from './settings.js'

const defaultRevision = 'master'

interface Folder {
  client: HubClient
  job: HubJob
  path: string
  files: ReadonlyMap<string, RemoteFile>
  record: FolderRecord
}

/** The model's folder in the cache, after fetching what it lacks or what has changed. */
export async function locateOnModelScope(job: HubJob): Promise<Located> {
  const revision = job.revision ?? defaultRevision
  const cacheFolder = modelScopeCacheFolder(job)
  const dir = modelFolder(cacheFolder, job)
  const record = await readRecord(dir)
  const unready = await whyUnready(dir, record, job)
  const cached: Located = { dir, id: job.id.text, source: 'cache' }
  if (job.offline) {
    if (unready === undefined) return cached
    throw notCached(job, unready)
  }
  await using client = openModelScope(job, revision)
  let files: Map<string, RemoteFile>
  try {
    files = await listFiles(client, job, unready === undefined ? 1 : job.limits.maxTries)
  } catch (error) {
    if (unready !== undefined) throw error
    warnUnchecked(job, error)
    return cached
  }
  const known = { revision, complete: false, files: record?.files ?? {} }
  const fetched = await savingTo(cacheFolder, () => fetchFolder({ client, job, path: dir, files, record: known }))
  return fetched ? { ...cached, source: 'modelscope' } : cached
}

/** `org/name`, with dots in the name as Python writes them. */
function modelFolder(cacheFolder: string, { id }: HubJob): string {
  if (id.org !== undefined) return join(cacheFolder, id.org, id.name.replaceAll('.', '___'))
  throw new QvlError('MODEL_REF_INVALID', {
    what: `${id.text} names no model on ModelScope.`,
    why: 'ModelScope names are written org/name.',
    do: 'Pass the full name, such as Qwen/Qwen3-Embedding-0.6B.',
    param: 'model',
  })
}

/** Why the folder cannot be used as it is, in a sentence; undefined when it can. */
async function whyUnready(dir: string, record: FolderRecord | undefined, job: HubJob): Promise<string | undefined> {
  const lacking = await lackingFile(dir, job.wanted)
  if (lacking !== undefined) return `The folder ${dir} lacks ${lacking}.`
  // A folder that Python filled has no record: as in Python, it is taken to be of the wanted revision.
  if (record === undefined) return undefined
  if (!record.complete && job.wanted === 'checkpoint') return `An update of the folder ${dir} was interrupted.`
  if (job.revision === undefined || job.revision === record.revision) return undefined
  return `The folder ${dir} holds the revision ${record.revision}.`
}

function openModelScope(job: HubJob, revision: string): HubClient {
  const token = modelScopeToken(job.env)
  const target = {
    service: 'ModelScope',
    endpoint: modelScopeEndpoint(job.env),
    id: job.id.text,
    revision,
    tokenName: 'MODELSCOPE_API_TOKEN',
    hasToken: token !== undefined,
  }
  // ModelScope takes an access token as this cookie.
  return openClient(job, target, token === undefined ? {} : { cookie: `m_session_id=${token}` })
}

async function listFiles(client: HubClient, job: HubJob, maxTries: number): Promise<Map<string, RemoteFile>> {
  const { endpoint, id, revision } = client.target
  const base = `${endpoint}/api/v1/models/${id}/repo`
  const query = new URLSearchParams({ Revision: revision, Recursive: 'true' })
  const answer = await client.json(`${base}/files?${query}`, job.signal, maxTries)
  const data = isJsonObject(answer) ? answer.Data : undefined
  const entries = isJsonObject(data) && Array.isArray(data.Files) ? data.Files : []
  const files = new Map<string, RemoteFile>()
  for (const entry of entries) {
    if (!isJsonObject(entry) || typeof entry.Path !== 'string') {
      throw unexpectedAnswer(client.target, 'Its list of files has an entry without a path.')
    }
    if (entry.Type === 'tree') continue
    const url = `${base}?${new URLSearchParams({ Revision: revision, FilePath: entry.Path })}`
    const size = Number.isSafeInteger(entry.Size) ? Number(entry.Size) : undefined
    const digest = typeof entry.Sha256 === 'string' ? digestOf(entry.Sha256) : undefined
    files.set(entry.Path, { path: entry.Path, url, size, digest })
  }
  if (files.size === 0) throw unexpectedAnswer(client.target, 'Its list of files is empty.')
  return files
}

/** Bring the folder up to date. Returns whether anything had to be fetched. */
async function fetchFolder(folder: Folder): Promise<boolean> {
  const { job, path, files, record } = folder
  const names = [...files.keys()]
  // The record stays as it is: it tells about the whole model.
  const { small, weights } = neededFor[job.wanted](job.id.text, names)
  if (job.wanted !== 'checkpoint') return fetchChanged(folder, small)
  let fetched = false
  if (weights === undefined) fetched = await fetchChanged(folder, [indexName])
  const shards = weights ?? (await readShardNames(join(path, indexName)))
  checkShards(job.id.text, shards, names)
  fetched = (await fetchChanged(folder, [...small, ...shards])) || fetched
  await writeRecord(path, { ...record, complete: true }).catch((error: unknown) => {
    if (fetched) throw error
    job.warn(`${path} cannot be written to, so its files are compared with the hub's again next time.`)
  })
  return fetched
}

/** Fetch those of `paths` that are not on disk with the content that the hub lists. */
async function fetchChanged(folder: Folder, paths: readonly string[]): Promise<boolean> {
  const { job, record } = folder
  const changed: RemoteFile[] = []
  for (const path of paths) {
    const file = folder.files.get(path)
    if (file !== undefined && !(await isCurrent(folder.path, path, file, { record, signal: job.signal }))) {
      changed.push(file)
    }
  }
  if (changed.length === 0) return false
  await writeRecord(folder.path, record)
  await fetchAll(job, changed, (file, report, signal) => fetchFile(folder, file, report, signal))
  return true
}

async function fetchFile(folder: Folder, file: RemoteFile, report: Report, signal: AbortSignal): Promise<void> {
  const { client, job, record } = folder
  // One name per content: what was begun for another version is not continued.
  const unique = `${encodeURIComponent(file.path)}.${file.digest?.hex ?? `${file.size}-bytes`}`
  const place = {
    path: join(folder.path, file.path),
    incomplete: join(folder.path, ownFolder, `${unique}.incomplete`),
    lock: join(folder.path, ownFolder, `${unique}.lock`),
    isDone: () => isCurrent(folder.path, file.path, file, { record, signal }),
  }
  await mkdir(dirname(place.path), { recursive: true })
  await downloadFile(client, file, place, {
    signal,
    warn: job.warn,
    onBytes: (received) => report(received, file.size),
  })
  await noteFile(folder.path, file.path, file.digest, record)
}
