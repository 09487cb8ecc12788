// Errors of the file system in plain words.

import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { QvlError } from '../errors.js'

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'Permission is denied.',
  EPERM: 'Permission is denied.',
  EROFS: 'The file system is read-only.',
  ENOSPC: 'The disk is full.',
  EDQUOT: 'The disk quota is used up.',
  EFBIG: 'The file would be larger than the file system allows.',
  EIO: 'The disk reported an error.',
  EISDIR: 'It is a folder.',
  ENOENT: 'There is no such file or folder.',
  ENOTDIR: 'A part of the path is not a folder.',
}

const fullCodes: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

export function unreadable(path: string, cause: unknown, action = 'Check the path and its permissions.'): QvlError {
  return new QvlError('INPUT_UNREADABLE', { what: `${path} cannot be read.`, why: reason(cause), do: action, cause })
}

export function unwritable(path: string, cause: unknown, why = reason(cause)): QvlError {
  return new QvlError('OUTPUT_UNWRITABLE', {
    what: `${path} cannot be written.`,
    why,
    do: fullCodes.has(errorCode(cause))
      ? 'Make room or choose another place, then run again; a run with -o FILE goes on with --resume.'
      : 'Choose another place, or correct the path and its permissions.',
    cause,
  })
}

/** The result, or OUTPUT_UNWRITABLE. */
export async function writing<Result>(path: string, work: Promise<Result>): Promise<Result> {
  return work.catch((cause: unknown) => {
    throw unwritable(path, cause)
  })
}

/** Undefined where there is nothing at the path. */
export async function statOrNone(path: string): Promise<Stats | undefined> {
  return stat(path).catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOENT') return undefined
    throw unwritable(path, cause)
  })
}

function reason(cause: unknown): string {
  const code = errorCode(cause)
  return (code === undefined ? undefined : reasons[code]) ?? `The system answered ${code ?? 'with an error'}.`
}
