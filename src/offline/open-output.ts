// Decides what happens to the output path: start anew, go on with an unfinished run, or nothing left to do.

import { realpath, rm } from 'node:fs/promises'
import { QvlError } from '../errors.js'
import { statOrNone, unwritable, writing } from './file-errors.js'
import { FileOutput, finishRun } from './file-output.js'
import { partPath } from './part-file.js'
import { type RunIdentity, type RunState, readRunState, resumeMismatch, savedLines, statePath } from './run-state.js'

export interface OpenOutputOptions {
  /** The path to write, links resolved. */
  file: string
  identity: RunIdentity
  resume: boolean
  npyWidth: number | undefined
  saveIntervalMs: number | undefined
}

/** Undefined when an earlier run has completed the file. Throws OUTPUT_UNWRITABLE, USAGE or RESUME_MISMATCH. */
export async function openFileOutput(options: OpenOutputOptions): Promise<FileOutput | undefined> {
  const { file } = options
  const part = await statOrNone(partPath(file))
  if (options.resume && part === undefined && (await statOrNone(file)) !== undefined) {
    // A saved state without FILE.part: the run was cut after FILE had got its name.
    if ((await statOrNone(statePath(file))) !== undefined) await finishRun(file)
    return undefined
  }
  const resumed = part === undefined ? undefined : await findState(file, options)
  if (part !== undefined && resumed !== undefined && part.size < resumed.outputBytes) {
    throw resumeMismatch(`${partPath(file)} is shorter than what was saved.`)
  }
  if (resumed === undefined) await writing(statePath(file), rm(statePath(file), { force: true }))
  return FileOutput.open({ ...options, resumed })
}

/**
 * Links are followed, so that the file they point to is replaced. Devices and pipes cannot be. Throws OUTPUT_UNWRITABLE,
 * and USAGE where the file is `inputFile`.
 */
export async function resolveTarget(path: string, inputFile: string | undefined): Promise<string> {
  const existing = await statOrNone(path)
  if (existing === undefined) return path
  if (existing.isDirectory()) throw unwritable(path, undefined, 'It is a folder.')
  if (!existing.isFile()) throw unwritable(path, undefined, 'It is not a regular file; use > for devices and pipes.')
  const input = inputFile === undefined ? undefined : await statOrNone(inputFile)
  if (input !== undefined && input.ino === existing.ino && input.dev === existing.dev) {
    throw new QvlError('USAGE', {
      what: `${path} is both input and output.`,
      why: 'The output would replace the input.',
      do: 'Choose another output.',
      param: '--output',
    })
  }
  return writing(path, realpath(path))
}

/** Work that was saved is never thrown away without being asked for; FILE.part without a saved state holds none. */
async function findState(file: string, { resume, identity }: OpenOutputOptions): Promise<RunState | undefined> {
  if (resume) return readRunState(file, identity)
  const lines = await savedLines(file)
  if (lines === 0) return undefined
  throw new QvlError('USAGE', {
    what: `${partPath(file)} holds ${lines} lines of an unfinished run.`,
    why: 'Starting again would throw them away.',
    do: `Add --resume to go on, or delete ${partPath(file)} and ${statePath(file)}.`,
    param: '--output',
  })
}
