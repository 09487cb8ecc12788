// Bounded reads of a checkpoint's files, which anyone may have written.

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { QvlError } from '../errors.js'

/** One read call takes at most this much: the operating system's own limit is just under 2 GiB. */
const maxReadBytes = 256 * 1024 * 1024

export interface OpenFile extends AsyncDisposable {
  handle: FileHandle
  /** Size in bytes when it was opened. */
  size: number
}

/** Opens a regular file for reading. Throws CHECKPOINT_FILE_MISSING, or CHECKPOINT_INVALID for a folder, pipe or device. */
export async function openRegularFile(path: string): Promise<OpenFile> {
  // Without O_NONBLOCK, opening a named pipe waits for a writer for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw cannotOpen(path, cause)
  })
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) {
      throw new QvlError('CHECKPOINT_INVALID', {
        what: `${path} is not a regular file.`,
        why: 'A checkpoint consists of plain files.',
        do: 'Give a folder with the files of a Hugging Face checkpoint.',
      })
    }
    return { handle, size: stats.size, [Symbol.asyncDispose]: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Fills `into` from `offset` on. Throws CHECKPOINT_INVALID when the file ends before. */
export async function readFully(
  handle: FileHandle,
  file: string,
  into: Uint8Array<ArrayBuffer>,
  offset: number,
): Promise<void> {
  let done = 0
  while (done < into.length) {
    const length = Math.min(into.length - done, maxReadBytes)
    const { bytesRead } = await handle.read(into, done, length, offset + done)
    if (bytesRead === 0) throw endsEarly(file, offset + into.length, offset + done)
    done += bytesRead
  }
}

export function endsEarly(file: string, expected: number, found: number): QvlError {
  return new QvlError('CHECKPOINT_INVALID', {
    what: `${file} ends after ${found} bytes.`,
    why: `At least ${expected} bytes were expected, so the file is truncated or still being written.`,
    do: 'Download the file again.',
  })
}

function cannotOpen(path: string, cause: unknown): QvlError {
  const missing = isMissing(cause)
  return new QvlError('CHECKPOINT_FILE_MISSING', {
    what: `${path} ${missing ? 'does not exist' : 'cannot be opened'}.`,
    why: missing
      ? 'The checkpoint is incomplete, or this is not its folder.'
      : 'The operating system refused to open it.',
    do: missing ? 'Check the folder, or download the checkpoint again.' : 'Check the permissions of the file.',
    cause,
  })
}

/** Whether a file system error says that the file is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
