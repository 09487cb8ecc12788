// The most memory that this process has had resident so far.

import { readFile } from 'node:fs/promises'

/** Bytes. Linux counts for this process alone; elsewhere the number may include what it was before it was Node. */
export async function peakMemory(): Promise<number> {
  const kilobytes = process.platform === 'linux' ? await highWaterMark() : process.resourceUsage().maxRSS
  return kilobytes * 1024
}

async function highWaterMark(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8')
  const match = /^VmHWM:\s*(\d+) kB$/m.exec(status)
  return match === null ? process.resourceUsage().maxRSS : Number(match[1])
}
