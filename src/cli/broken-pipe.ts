// The reader of our output may leave early (`| head`): that is the end of the work, not an error.

import type { Writable } from 'node:stream'

export interface PipeWatch {
  /** Aborts when the reader is gone. */
  readonly signal: AbortSignal
  readonly isBroken: boolean
}

/** Listens for as long as the process lives: a late EPIPE must not become an uncaught exception. */
export function watchPipe(stream: Writable): PipeWatch {
  const controller = new AbortController()
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    controller.abort(new DOMException('The reader of the output is gone.', 'AbortError'))
  })
  return {
    signal: controller.signal,
    get isBroken() {
      return controller.signal.aborted
    },
  }
}
