// Whether a downloaded file is the one the hub described: its size and its hash.

import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isMissing } from '../file-bytes.js'

/** `gitSha1` is the name git gives the content: SHA-1 over `blob <size>`, a zero byte and the bytes. */
export interface Digest {
  kind: 'sha256' | 'gitSha1'
  hex: string
}

/** Large reads: the disk is the slower side. */
const chunkBytes = 1024 * 1024

/** The digest that an entity tag is, when it is one: hubs tag large files with SHA-256 and small ones as git does. */
export function digestOf(etag: string): Digest | undefined {
  if (/^[0-9a-f]{64}$/.test(etag)) return { kind: 'sha256', hex: etag }
  if (/^[0-9a-f]{40}$/.test(etag)) return { kind: 'gitSha1', hex: etag }
  return undefined
}

/** Size of a file in bytes; undefined where there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Whether the file on disk has this size and digest, each as far as known. */
export async function hasContent(
  path: string,
  expected: { size: number | undefined; digest: Digest | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  const size = await fileSize(path)
  if (size === undefined || (expected.size !== undefined && size !== expected.size)) return false
  if (expected.digest === undefined) return true
  const hash = startHash(expected.digest.kind, size)
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
    signal.throwIfAborted()
    hash.update(chunk)
  }
  return hash.digest('hex') === expected.digest.hex
}

function startHash(kind: Digest['kind'], size: number): Hash {
  switch (kind) {
    case 'sha256':
      return createHash('sha256')
    case 'gitSha1':
      return createHash('sha1').update(`blob ${size}\0`)
    default:
      return kind satisfies never
  }
}
