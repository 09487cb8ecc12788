// What the caches on this machine hold: models, their revisions and sizes, without a network.

import type { Dirent } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { isMissing } from '../file-bytes.js'
import { type CacheLayout, cachedCommit, cacheLayout, isThere } from './cache.js'
import { configName } from './files.js'
import { readRecord } from './modelscope-record.js'
import type { HubId } from './ref.js'
import { type CacheOptions, hubCacheFolder, modelScopeCacheFolder, usesModelScope } from './settings.js'

export interface CachedRevision {
  /** The commit; on ModelScope what the folder was fetched as, undefined where nothing says it. */
  revision: string | undefined
  /** Branches and tags that are at it, as last seen. */
  refs: readonly string[]
  dir: string
  /** Of its files; what it shares with other revisions counts for each. */
  bytes: number
}

export interface CachedModel {
  id: string
  source: 'huggingface' | 'modelscope'
  /** All that is kept of the model lies in it. */
  folder: string
  /** Undefined on ModelScope, which keeps plain folders. */
  layout: CacheLayout | undefined
  revisions: readonly CachedRevision[]
  /** On disk, with unfinished downloads. */
  bytes: number
  /** Of unfinished downloads. */
  unfinishedBytes: number
}

/** Names in the caches, sorted; quick, for shells that complete them. */
export async function cachedModelIds(options: CacheOptions = {}): Promise<string[]> {
  const found = await Promise.all([hubFolders(options), modelScopeFolders(options)])
  return [...new Set(found.flat().map(({ id }) => id.text))].sort()
}

export async function listCachedModels(options: CacheOptions = {}): Promise<CachedModel[]> {
  const [onHub, onModelScope] = await Promise.all([hubFolders(options), modelScopeFolders(options)])
  const models = await Promise.all([...onHub.map(fromHub), ...onModelScope.map(fromModelScope)])
  return models.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}

/** Paths of all files below a folder, links included. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await entriesOf(folder, true)
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
}

interface ModelFolder {
  id: HubId
  folder: string
  cacheFolder: string
}

async function hubFolders(options: CacheOptions): Promise<ModelFolder[]> {
  const cacheFolder = hubCacheFolder(options)
  const entries = await entriesOf(cacheFolder)
  return entries.flatMap(({ name }) => {
    const id = idOfFolder(name)
    return id === undefined ? [] : [{ id, folder: join(cacheFolder, name), cacheFolder }]
  })
}

/** `models--org--name`; data sets and demonstrations have other first parts. */
function idOfFolder(folder: string): HubId | undefined {
  const [kind, first, second, ...rest] = folder.split('--')
  if (kind !== 'models' || !first || rest.length > 0) return undefined
  if (second === undefined) return { text: first, org: undefined, name: first }
  return { text: `${first}/${second}`, org: first, name: second }
}

/** Looked at only where ModelScope is in use. */
async function modelScopeFolders(options: CacheOptions): Promise<ModelFolder[]> {
  if (!usesModelScope(options.env ?? process.env)) return []
  const cacheFolder = modelScopeCacheFolder(options)
  const orgs = (await entriesOf(cacheFolder)).filter(({ name }) => !name.startsWith('.') && !name.includes('--'))
  const found = await Promise.all(
    orgs.map(async (org) => {
      const names = await entriesOf(join(cacheFolder, org.name))
      return names.map(({ name: folder }) => {
        const name = folder.replaceAll('___', '.')
        const id = { text: `${org.name}/${name}`, org: org.name, name }
        return { id, folder: join(cacheFolder, org.name, folder), cacheFolder }
      })
    }),
  )
  const isModel = await Promise.all(found.flat().map(({ folder }) => isThere(join(folder, configName))))
  return found.flat().filter((_, index) => isModel[index])
}

async function fromHub({ id, folder, cacheFolder }: ModelFolder): Promise<CachedModel> {
  const layout = cacheLayout(cacheFolder, id)
  const refs = await readRefs(layout)
  const commits = (await entriesOf(layout.snapshots)).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const revisions = await Promise.all(
    commits.map(async (commit) => {
      const dir = join(layout.snapshots, commit)
      const names = refs.filter((ref) => ref.commit === commit).map(({ name }) => name)
      return { revision: commit, refs: names, dir, bytes: await sizeOf(await filesBelow(dir), stat) }
    }),
  )
  return { id: id.text, source: 'huggingface', folder, layout, revisions, ...(await diskSizes(folder)) }
}

async function fromModelScope({ id, folder }: ModelFolder): Promise<CachedModel> {
  const record = await readRecord(folder)
  const sizes = await diskSizes(folder)
  const bytes = sizes.bytes - sizes.unfinishedBytes
  const revisions = [{ revision: record?.revision, refs: [], dir: folder, bytes }]
  return { id: id.text, source: 'modelscope', folder, layout: undefined, revisions, ...sizes }
}

async function readRefs(layout: CacheLayout): Promise<{ name: string; commit: string }[]> {
  const names = (await filesBelow(layout.refs)).map((path) => relative(layout.refs, path).split(sep).join('/'))
  const refs = await Promise.all(names.map(async (name) => ({ name, commit: await cachedCommit(layout, name) })))
  return refs.flatMap(({ name, commit }) => (commit === undefined ? [] : [{ name, commit }]))
}

async function diskSizes(folder: string): Promise<Pick<CachedModel, 'bytes' | 'unfinishedBytes'>> {
  const files = await filesBelow(folder)
  const unfinished = files.filter((file) => file.endsWith('.incomplete'))
  return { bytes: await sizeOf(files, lstat), unfinishedBytes: await sizeOf(unfinished, lstat) }
}

/** Of a link that leads nowhere, 0. */
async function sizeOf(files: readonly string[], look: (path: string) => Promise<{ size: number }>): Promise<number> {
  const sizes = await Promise.all(
    files.map((file) =>
      look(file).then(
        ({ size }) => size,
        (error: unknown) => {
          if (isMissing(error)) return 0
          throw error
        },
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** None where there is no such folder. */
async function entriesOf(folder: string, recursive = false): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true, recursive })
  } catch (error) {
    if (isMissing(error) || (error instanceof Error && 'code' in error && error.code === 'ENOTDIR')) return []
    throw error
  }
}

/** The real file behind a name in a snapshot; undefined for a link that leads nowhere. */
export async function blobOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
