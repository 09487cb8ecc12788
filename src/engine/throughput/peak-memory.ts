// The most memory that this process has had resident so far.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** Linux counts for this program alone; getrusage() also counts what the process was before it became Node. */
const status = '/proc/self/status'

/** Bytes. */
export async function peakMemory(): Promise<number> {
  const match = existsSync(status) ? /^VmHWM:\s*(\d+) kB$/m.exec(await readFile(status, 'utf8')) : null
  const kilobytes = match === null ? process.resourceUsage().maxRSS : Number(match[1])
  return kilobytes * 1024
}
