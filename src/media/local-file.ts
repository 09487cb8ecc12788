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
  const named = isLocal(reference, rules)
  if (named && rules.roots.length === 0) {
    // vLLM's own text.
    throw blocked('Cannot load local files without `--allowed-local-media-path`.')
  }
  const wanted = pathOf(reference, rules)
  // A path outside is refused alike whether there is a file or not: a client must not learn which.
  const path = await realpath(wanted).catch((cause: unknown) => missing(wanted, { reference, rules, cause }))
  if (!(await isInside(path, rules.roots))) throw outside(reference)
  // Without blocking on a FIFO, and without following a link that was put there after the check.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
  await using file = await opening(open(path, flags), reference)
  const { size, isFile } = await file.stat().then((stats) => ({ size: stats.size, isFile: stats.isFile() }))
  if (!isFile) throw blocked(`${quoted(reference)} is not a regular file.`)
  if (size > maxBytes) throw tooManyBytes(maxBytes)
  return opening(file.readFile(), reference)
}

/** Whether a reference is meant as a file: not every string is. */
const isLocal = (reference: string, { base }: LocalRules): boolean =>
  /^file:/i.test(reference) || isAbsolute(reference) || base !== undefined

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

async function missing(
  path: string,
  { reference, rules, cause }: { reference: string; rules: LocalRules; cause: unknown },
): Promise<never> {
  const inside = rules.roots.some((root) => isBelow(resolve(root), path)) || (await isInside(path, rules.roots))
  throw inside ? unreadable(reference, 'It is not there, or may not be read.', cause) : outside(reference)
}

async function isInside(path: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) if (isBelow(await realpath(root), path)) return true
  return false
}

function isBelow(root: string, path: string): boolean {
  const below = relative(root, path)
  return below !== '' && below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below)
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

/** The first words are vLLM's; it goes on with the folder, which is nothing for clients. */
const outside = (reference: string): QvlError =>
  blocked(`The file path ${quoted(reference)} must be a subpath of \`--allowed-local-media-path\`.`)

function blocked(what: string): QvlError {
  return new QvlError('MEDIA_BLOCKED', {
    what,
    why: 'A request may read files only below the folders that the operator named.',
    do: 'Start qvl with --allowed-local-media-path DIR, or send the file as a data URL.',
  })
}
