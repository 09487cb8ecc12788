// How many threads of arithmetic this process may keep busy.

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Reads a small system file; undefined where there is none. */
export type ReadText = (file: string) => string | undefined

/**
 * Physical cores among the processors this process may run on, and no more than its cgroup's share of time: a second
 * thread on a core, or beyond the share, only slows the first one down.
 */
export function usableCores(read: ReadText = readSystemFile, processors = availableParallelism()): number {
  const allowed = parseList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(read('/proc/self/status') ?? '')?.[1])
  const siblings = allowed.map((cpu) => read(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`)?.trim())
  const physical = siblings.length > 0 && !siblings.includes(undefined) ? new Set(siblings).size : processors
  return Math.max(1, Math.min(physical, processors, Math.ceil(cgroupShare(read))))
}

/** Processors' worth of time that the cgroup grants; Infinity without a limit. */
function cgroupShare(read: ReadText): number {
  const [quota, period] = (read('/sys/fs/cgroup/cpu.max') ?? '').trim().split(' ').map(Number)
  if (quota !== undefined && period !== undefined && quota > 0 && period > 0) return quota / period
  const quotaV1 = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us'))
  const periodV1 = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_period_us'))
  return quotaV1 > 0 && periodV1 > 0 ? quotaV1 / periodV1 : Number.POSITIVE_INFINITY
}

/** `0-2,5` as numbers. */
function parseList(list: string | undefined): number[] {
  if (list === undefined) return []
  return list.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

function readSystemFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Other systems, and containers that hide it, have no such file.
    return undefined
  }
}
