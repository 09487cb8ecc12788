// FILE.part.json: how far an unfinished run came, and what it must be continued with.

import { open, readFile, rename } from 'node:fs/promises'
import { Fields } from '../api/fields.js'
import { parseJsonText } from '../api/json-text.js'
import { QvlError } from '../errors.js'
import { errorCode, writing } from './file-errors.js'
import type { InputPosition } from './lines.js'

/** Raised when the same input and options would give other bytes, such as after a change to what ends a chunk. */
const stateVersion = 1

export type OptionValue = string | number | boolean | null

/** Everything besides the input that decides the output. */
export interface RunIdentity {
  command: 'score' | 'embed'
  /** Of the checkpoint. */
  fingerprint: string
  options: Readonly<Record<string, OptionValue>>
}

/** A place between two chunks. */
export interface RunState {
  input: InputPosition
  /** Lines in the output, and how many of them are failures. */
  lines: number
  failed: number
  outputBytes: number
  errorBytes: number
}

export const statePath = (file: string): string => `${file}.part.json`

/** Written whole or not at all: a new file takes the place of the old one. */
export async function writeRunState(file: string, identity: RunIdentity, state: RunState): Promise<void> {
  const { input, ...counts } = state
  const text = JSON.stringify({
    version: stateVersion,
    ...identity,
    inputBytes: input.bytes,
    inputLines: input.lines,
    sha256: input.sha256,
    ...counts,
  })
  const path = statePath(file)
  const next = `${path}.tmp`
  const handle = await writing(next, open(next, 'w'))
  try {
    await writing(next, handle.writeFile(`${text}\n`))
    await writing(next, handle.sync())
  } finally {
    await handle.close()
  }
  await writing(path, rename(next, path))
}

/** The saved state of a run with this identity; undefined where none is saved. Throws RESUME_MISMATCH. */
export async function readRunState(file: string, identity: RunIdentity): Promise<RunState | undefined> {
  const saved = await readSaved(file)
  if (saved === undefined) return undefined
  const differences = [
    ...difference('version', saved.version, stateVersion),
    ...difference('command', saved.command, identity.command),
    ...difference('checkpoint', saved.fingerprint, identity.fingerprint),
    ...Object.entries(identity.options).flatMap(([key, now]) => difference(key, saved.options.get(key) ?? null, now)),
  ]
  if (differences.length > 0) throw resumeMismatch(differences.join(' '))
  return saved.state
}

/** Lines that an unfinished run has saved, whatever it was. Throws RESUME_MISMATCH. */
export async function savedLines(file: string): Promise<number> {
  const saved = await readSaved(file)
  return saved?.state.lines ?? 0
}

export function resumeMismatch(why: string, cause?: unknown): QvlError {
  return new QvlError('RESUME_MISMATCH', {
    what: 'The unfinished run cannot be continued.',
    why,
    do: 'Run with what it was started with, or delete FILE.part and FILE.part.json to start again.',
    cause,
  })
}

interface Saved {
  version: unknown
  command: unknown
  fingerprint: unknown
  options: Fields
  state: RunState
}

async function readSaved(file: string): Promise<Saved | undefined> {
  const path = statePath(file)
  try {
    return parseSaved(new Fields(parseJsonText(await readFile(path, 'utf8'), path), ''))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw resumeMismatch(`${path} cannot be read.`, error)
  }
}

function parseSaved(fields: Fields): Saved {
  const sha256 = fields.string('sha256') ?? ''
  return {
    version: fields.get('version'),
    command: fields.get('command'),
    fingerprint: fields.get('fingerprint'),
    options: new Fields(fields.get('options'), 'options'),
    state: {
      input: { bytes: count(fields, 'inputBytes'), lines: count(fields, 'inputLines'), sha256 },
      lines: count(fields, 'lines'),
      failed: count(fields, 'failed'),
      outputBytes: count(fields, 'outputBytes'),
      errorBytes: count(fields, 'errorBytes'),
    },
  }
}

function count(fields: Fields, key: string): number {
  const value = fields.integer(key, 0)
  if (value === undefined) throw fields.invalid(key, 'a whole number')
  return value
}

function difference(name: string, then: unknown, now: OptionValue): string[] {
  return then === now ? [] : [`It was started with ${name} ${JSON.stringify(then)} and this is ${JSON.stringify(now)}.`]
}
