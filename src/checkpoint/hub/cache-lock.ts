// A lock file, so that two processes do not download the same file at the same time.
//
// Node.js has no flock, so the lock is a file that one process can create. It holds a mark unique to its holder, who
// touches it at intervals. A lock is abandoned when its process on this machine is gone, or when it has not been touched
// for long. Whoever wants to remove a lock, holder or not, first creates `<lock>.<mark>`; only the one who created that
// may remove the lock with this mark, so that nobody removes a newer one by mistake.
//
// Two holders at once (a process stopped for a minute and woken up again) do no harm: both write the same bytes, which
// are checked before the file gets its final name.

import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readFile, readlink, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { isMissing } from '../file-bytes.js'
import { isThere } from './cache.js'
import type { HubLimits } from './limits.js'
import { pause } from './retry.js'

export interface LockOptions {
  limits: HubLimits
  signal: AbortSignal
  /** Told once, when another process holds the lock. */
  onWait?: () => void
}

/** A mark as written, in the order of its fields. */
const markText = /^\{"id":"([0-9a-f-]{36})","machine":"([^"\\]+)","pid":(\d+)\}$/

interface Mark {
  id: string
  /** The machine and the container: process numbers mean nothing elsewhere. */
  machine: string
  pid: number
}

/** Run `work` while holding the lock at `path`, whose folder exists. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const mark: Mark = { id: randomUUID(), machine: await machineName(), pid: process.pid }
  const file = await acquire(path, mark, options)
  const beat = setInterval(() => {
    const now = new Date()
    // A missed beat shows as age: there is nothing to do about it here.
    file.utimes(now, now).catch(() => undefined)
  }, options.limits.lockBeatMs)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    await file.close()
    await remove(path, mark.id, options.limits)
  }
}

/** Whether a living process holds the lock. */
export async function isHeld(path: string, limits: HubLimits): Promise<boolean> {
  const holder = await readMark(path)
  return (await isThere(path)) && !(await isAbandoned(path, holder, await machineName(), limits))
}

async function acquire(path: string, mark: Mark, options: LockOptions): Promise<FileHandle> {
  let waited = false
  for (;;) {
    options.signal.throwIfAborted()
    const file = await create(path, JSON.stringify(mark))
    if (file !== undefined) return file
    const holder = await readMark(path)
    if (await isAbandoned(path, holder, mark.machine, options.limits)) {
      if (await remove(path, holder?.id, options.limits)) continue
    } else if (!waited) {
      waited = true
      options.onWait?.()
    }
    await pause(options.limits.lockPollMs, options.signal)
  }
}

/** Remove the lock if it still has this mark. Returns false when another process is about to. */
async function remove(path: string, id: string | undefined, limits: HubLimits): Promise<boolean> {
  const permit = `${path}.${id ?? 'unmarked'}`
  const file = await create(permit, '')
  if (file === undefined) {
    // Its creator needs an instant only: an old one was left by a process that died in that instant.
    if (await isOlder(permit, limits.lockStaleMs)) await rm(permit, { force: true })
    return false
  }
  try {
    // A process that died while writing its mark left a lock without one; a young one is still being written.
    const matches = (await readMark(path))?.id === id
    if (matches && (id !== undefined || (await isOlder(path, limits.lockStaleMs)))) await rm(path, { force: true })
  } finally {
    await file.close()
    await rm(permit, { force: true })
  }
  return true
}

async function isAbandoned(
  path: string,
  holder: Mark | undefined,
  machine: string,
  limits: HubLimits,
): Promise<boolean> {
  if (holder?.machine === machine && !isAlive(holder.pid)) return true
  return isOlder(path, limits.lockStaleMs)
}

async function isOlder(path: string, ageMs: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > ageMs
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Create a file that must not exist; undefined when it does. */
async function create(path: string, content: string): Promise<FileHandle | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'wx')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
    throw error
  }
  try {
    await file.writeFile(content)
    return file
  } catch (error) {
    await file.close()
    await rm(path, { force: true })
    throw error
  }
}

async function readMark(path: string): Promise<Mark | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  const [, id, machine, pid] = markText.exec(text) ?? []
  return id && machine && pid ? { id, machine, pid: Number(pid) } : undefined
}

async function machineName(): Promise<string> {
  // Containers can share a host name and a cache folder, but not process numbers. Only Linux has this link.
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return `${hostname()} ${namespace}`
}
