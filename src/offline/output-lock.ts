// One run at a time writes a file: two would mix their lines in one FILE.part.

import { withLock } from '../checkpoint/hub/cache-lock.js'
import { defaultHubLimits } from '../checkpoint/hub/limits.js'
import { QvlError } from '../errors.js'
import { unwritable } from './file-errors.js'
import { partPath } from './part-file.js'

/** Runs `work` while no other run writes `file`. Throws OUTPUT_BUSY, OUTPUT_UNWRITABLE, or what `work` throws. */
export async function asOnlyWriter<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  const path = `${partPath(file)}.lock`
  // Nobody wants to wait for hours and then find the file written: who would have to wait is refused.
  const refusal = new AbortController()
  const onWait = (): void => refusal.abort(busy(file, path))
  try {
    return await withLock(path, { limits: defaultHubLimits, signal: refusal.signal, onWait }, work)
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? unwritable(file, error) : error
  }
}

const busy = (file: string, path: string): QvlError =>
  new QvlError('OUTPUT_BUSY', {
    what: `${file} is being written by another run.`,
    why: `It holds the lock ${path}.`,
    do: 'Wait until it has ended, or choose another output; the lock of a dead process is free after a minute at most.',
    param: '--output',
  })
