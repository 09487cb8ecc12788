// Streams that fail: the reader of our output may leave early (`| head`), which is the end of the work and no error.

import type { Writable } from 'node:stream'
import { unwritable } from '../offline/file-errors.js'

export interface PipeWatch {
  /** Aborts when the reader is gone. */
  readonly signal: AbortSignal
  readonly isBroken: boolean
}

/**
 * Listens for as long as the process lives: a late EPIPE must not become an uncaught exception. Any other failure, such
 * as a full disk, ends the process with OUTPUT_UNWRITABLE.
 */
export function watchPipe(stream: Writable): PipeWatch {
  const controller = new AbortController()
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw unwritable('The output', error)
    controller.abort(new DOMException('The reader of the output is gone.', 'AbortError'))
  })
  return {
    signal: controller.signal,
    get isBroken() {
      return controller.signal.aborted
    },
  }
}

/**
 * What cannot be said on stderr cannot be said anywhere, and the work goes on: a server outlives a full disk under its
 * log, and writes again once there is room.
 */
export function outlive(stderr: Writable): void {
  stderr.on('error', () => {})
}
