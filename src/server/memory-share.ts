// How much of the memory limit of this process is in use.

import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

/** Reading it takes some 50 µs, which a thousand requests a second would notice. */
const freshMs = 250

/** A function that gives the share, 0 to 1; it looks again at most four times a second. */
export function memoryShare(): () => number {
  const limit = memoryLimit()
  let share = 0
  let readAt = Number.NEGATIVE_INFINITY
  return () => {
    const now = performance.now()
    if (now - readAt >= freshMs) {
      share = usedBytes() / limit
      readAt = now
    }
    return share
  }
}

/** The cgroup's limit where there is one, else what the machine has. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** Without pages of mapped files: the kernel takes those back when it needs memory. */
function usedBytes(): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss()
  const status = readFileSync('/proc/self/status', 'latin1')
  const kilobytes = ['RssAnon', 'RssShmem'].map((name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]),
  )
  const total = kilobytes.reduce((sum, each) => sum + each, 0)
  // Kernels before 4.5 do not tell them apart.
  return Number.isNaN(total) ? process.memoryUsage.rss() : total * 1024
}
