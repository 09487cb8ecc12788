// Opens what a run reads: a file, or a stream such as standard input.

import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { asQvlError } from '../errors.js'
import { unreadable } from './file-errors.js'

export interface Input extends AsyncDisposable {
  chunks: AsyncIterable<Uint8Array>
  /** Where it is known. */
  totalBytes: number | undefined
}

/** Aborting ends a read that waits. A stream is destroyed when the run is over. Throws INPUT_UNREADABLE. */
export async function openInput(source: Readable | string, signal: AbortSignal): Promise<Input> {
  const { stream, name, totalBytes } = typeof source === 'string' ? await openFile(source) : fromStream(source)
  const close = (): void => {
    stream.destroy()
  }
  signal.addEventListener('abort', close, { once: true })
  return {
    chunks: named(stream, name, signal),
    totalBytes,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', close)
      close()
    },
  }
}

interface Opened {
  stream: Readable
  name: string
  totalBytes: number | undefined
}

const fromStream = (stream: Readable): Opened => ({ stream, name: 'The input', totalBytes: undefined })

async function openFile(path: string): Promise<Opened> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  const stats = await handle.stat()
  const totalBytes = stats.isFile() ? stats.size : undefined
  return { stream: handle.createReadStream(), name: path, totalBytes }
}

async function* named(
  stream: Readable,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) throw asQvlError(new TypeError('expected a stream of bytes'))
      yield chunk
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof Error && 'syscall' in error ? unreadable(name, error) : error
  }
}
