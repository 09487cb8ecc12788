// Rows of a dataset file, one JSON object per line.

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { quoteName } from '../../checkpoint/quote-name.js'
import { QvlError } from '../../errors.js'

/** A carriage return and a line feed are one line end, however far apart they arrive. */
const anyDelay = Number.POSITIVE_INFINITY

export interface Row {
  /** From 1. */
  line: number
  fields: Readonly<Record<string, unknown>>
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The rows of a JSONL file; blank lines are left out. Throws INPUT_UNREADABLE, and REQUEST_INVALID for a bad line. */
export async function readRows(path: string, signal: AbortSignal | undefined): Promise<Row[]> {
  const rows: Row[] = []
  const input = createReadStream(path, signal && { signal })
  let line = 0
  try {
    for await (const text of createInterface({ input: Readable.from(decoded(input)), crlfDelay: anyDelay })) {
      line += 1
      if (text.trim() !== '') rows.push({ line, fields: parseRow(text, path, line) })
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof QvlError) throw error
    if (error instanceof TypeError)
      throw invalidRow(path, line + 1, 'Its bytes, or those soon after it, are not UTF-8.')
    throw unreadable(path, error)
  } finally {
    input.destroy()
  }
  if (rows.length === 0) throw noRows(path)
  return rows
}

/** The text of a stream. A decoder throws a TypeError for bytes that are not UTF-8. */
async function* decoded(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of input) yield decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

export function invalidRow(path: string, line: number, why: string): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: `Line ${line} of ${quoteName(path)} cannot be used.`,
    why,
    do: 'Correct the line.',
    param: '--dataset-path',
  })
}

export function unreadable(path: string, cause: unknown): QvlError {
  return new QvlError('INPUT_UNREADABLE', {
    what: `The dataset ${quoteName(path)} cannot be read.`,
    why: 'The operating system refused to open or read it.',
    do: 'Check --dataset-path and the permissions of the file.',
    param: '--dataset-path',
    cause,
  })
}

export function noRows(path: string): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: `The dataset ${quoteName(path)} has no row that can be sent.`,
    why: 'It is empty, or every row is too short or too long.',
    do: 'Check --dataset-path and --dataset-name.',
    param: '--dataset-path',
  })
}

function parseRow(text: string, path: string, line: number): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalidRow(path, line, 'It is not JSON.')
  }
  if (isRecord(value)) return value
  throw invalidRow(path, line, 'It is not a JSON object.')
}
