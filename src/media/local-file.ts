// file: references and paths: regular files inside folders that the operator named, and nothing else.

import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { QvlError } from '../errors.js'
import { invalidReference, quoted, tooManyBytes } from './media-errors.js'

export interface LocalRules {
  /** Folders whose files may be read. */
  roots: readonly string[]
  /** What relative paths are relative to; without it there are none. */
  base?: string | undefined
}

/**
 * The content of a local file. Links are followed first, and then the real path has to lie below a real root.
 * Throws MEDIA_BLOCKED, MEDIA_NOT_FOUND, MEDIA_INVALID, MEDIA_TOO_LARGE and REQUEST_INVALID.
 */
export async function readLocalFile(reference: string, rules: LocalRules, maxBytes: number): Promise<Uint8Array> {
  if (rules.roots.length === 0) {
    // vLLM's own text.
    throw blocked('Cannot load local files without `--allowed-local-media-path`.')
  }
  const path = await realPath(pathOf(reference, rules), reference)
  if (!(await isInside(path, rules.roots))) {
    throw blocked(`The file ${quoted(reference)} is in none of the folders that may be read.`)
  }
  // Without blocking on a FIFO, and without following a link that was put there after the check.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
  await using file = await opening(open(path, flags), reference)
  const { size, isFile } = await file.stat().then((stats) => ({ size: stats.size, isFile: stats.isFile() }))
  if (!isFile) throw unreadable(reference, 'It is not a regular file.')
  if (size > maxBytes) throw tooManyBytes(maxBytes)
  return opening(file.readFile(), reference)
}

function pathOf(reference: string, { base }: LocalRules): string {
  if (/^file:/i.test(reference)) {
    try {
      return fileURLToPath(new URL(reference))
    } catch {
      // A host, an encoded slash, or no absolute path: the three things that fileURLToPath refuses.
      throw invalidReference(`${quoted(reference)} names no local file.`, 'It is not of the form file:///path.', fix)
    }
  }
  if (reference.includes('\0')) throw invalidReference('The path holds a zero byte.', 'No file has such a name.', fix)
  if (isAbsolute(reference)) return reference
  if (base !== undefined) return resolve(base, reference)
  // vLLM's own text.
  throw invalidReference(
    'The URL must be either a HTTP, data or file URL.',
    `${quoted(reference)} is none of them.`,
    fix,
  )
}

const fix = 'Send an http(s) URL, a base64 data URL, or file:///path.'

const realPath = (path: string, reference: string): Promise<string> => opening(realpath(path), reference)

async function isInside(path: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    const below = relative(await realpath(root), path)
    if (below !== '' && below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below)) return true
  }
  return false
}

async function opening<Result>(work: Promise<Result>, reference: string): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    throw unreadable(reference, 'It is not there, or may not be read.', cause)
  }
}

function unreadable(reference: string, why: string, cause?: unknown): QvlError {
  return new QvlError('MEDIA_NOT_FOUND', {
    what: `The file ${quoted(reference)} cannot be read.`,
    why,
    do: 'Check its path and its permissions.',
    cause,
  })
}

function blocked(what: string): QvlError {
  return new QvlError('MEDIA_BLOCKED', {
    what,
    why: 'A request may read files only below the folders that the operator named.',
    do: 'Start qvl with --allowed-local-media-path DIR, or send the file as a data URL.',
  })
}
