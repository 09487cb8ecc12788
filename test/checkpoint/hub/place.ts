// A hub on loopback with tiny checkpoints, an empty cache beside it, and what to expect there.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect } from 'vitest'
import { type Located, type LocateOptions, locateCheckpoint } from '#qvl/checkpoint/locate.js'
import type { QvlError } from '#qvl/errors.js'
import { errorOf, expectError, temporaryFolder } from '../folders.js'
import { goldenRepository, type HubServer, makeCuts, quickLimits, type RepositoryFiles, startHub } from './server.js'

export const single = 'tiny/qwen3-reranker'
export const sharded = 'tiny/qwen3-vl-embedding'
export const cacheFolderName: Record<string, string> = {
  [single]: 'models--tiny--qwen3-reranker',
  [sharded]: 'models--tiny--qwen3-vl-embedding',
}

export interface Place {
  hub: HubServer
  home: string
  locate: (ref: string, options?: LocateOptions) => Promise<Located>
}

/** A hub with two golden checkpoints, or the given repositories, and an empty home for its cache. */
export async function place(repositories?: Record<string, RepositoryFiles>): Promise<Place> {
  const home = temporaryFolder()
  const hub = await startHub(
    repositories ?? {
      [single]: goldenRepository('qwen3-reranker'),
      [sharded]: goldenRepository('qwen3-vl-embedding'),
    },
  )
  return {
    hub,
    home,
    locate: (ref, { env, ...options } = {}) =>
      locateCheckpoint(ref, {
        ...options,
        onDownload: (event) => {
          makeCuts(hub, event.file, event.received)
          options.onDownload?.(event)
        },
        env: { HF_ENDPOINT: hub.url, HF_HOME: home, HOME: home, ...env },
        limits: { ...quickLimits, ...options.limits },
      }),
  }
}

/** Paths below a folder, sorted. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

/** The folder holds exactly these files, with the repository's bytes. */
export function expectFiles(dir: string, repository: RepositoryFiles): void {
  expect(filesBelow(dir)).toEqual([...repository.files.keys()].sort())
  for (const [file, bytes] of repository.files) expect(readFileSync(join(dir, file)).equals(bytes), file).toBe(true)
}

/** What was asked of the hub, except for descriptions of repositories. */
export const fileRequests = (hub: HubServer): string[] =>
  hub.requests.filter(({ url }) => !url.startsWith('/api/')).map(({ method, url }) => `${method} ${url}`)

/** As expectError; returns the error for more checks. */
export async function expectFailure(action: () => unknown, code: string, words: string | string[]): Promise<QvlError> {
  const error = await errorOf(action)
  await expectError(() => Promise.reject(error), code, words)
  return error
}
