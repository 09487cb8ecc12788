// Log entries as lines: nothing in an entry can begin a line of its own or reach the terminal as a control character.

import { inspect } from 'node:util'
import type { QvlError } from '../../errors.js'
import type { LogFields, LogLevel } from '../log.js'

export interface Entry {
  time: Date
  level: LogLevel
  message: string
  fields?: LogFields | undefined
  error?: QvlError
}

/** Longer strings are cut: a client chooses its path and its request id. */
const maxFieldCharacters = 200
const maxMessageCharacters = 2000
/** How many levels of nested objects the cause of an error shows. */
const causeDepth = 4

/** `2026-01-31T12:00:00.000Z INFO  message key=value`; the stack of an error is indented below. */
export function textLine({ time, level, message, fields, error }: Entry): string {
  const head = `${time.toISOString()} ${level.toUpperCase().padEnd('warning'.length)} ${cut(message, maxMessageCharacters)}`
  const words = present(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? word(value) : value}`)
  const stack = error === undefined ? [] : trace(error).map((line) => `  ${escaped(line)}`)
  return `${[[head, ...words].join(' '), ...stack].join('\n')}\n`
}

export function jsonLine({ time, level, message, fields, error }: Entry): string {
  const line = {
    time: time.toISOString(),
    level,
    message: message.slice(0, maxMessageCharacters),
    ...Object.fromEntries(
      present(fields).map(([name, value]) => [
        name,
        typeof value === 'string' ? value.slice(0, maxFieldCharacters) : value,
      ]),
    ),
    ...(error === undefined ? {} : { trace: trace(error).join('\n') }),
  }
  // JSON may hold C1 controls and line separators as they are; terminals and line readers act on them.
  return `${JSON.stringify(line).replace(unsafe, unicodeEscape)}\n`
}

function present(fields: LogFields = {}): [string, string | number | boolean][] {
  return Object.entries(fields).filter((field): field is [string, string | number | boolean] => field[1] !== undefined)
}

const trace = (error: QvlError): string[] => inspect(error, { colors: false, depth: causeDepth }).split('\n')

/** A value of a text line: quoted when it would not read as one word. */
function word(value: string): string {
  return /^[\w./:@+-]+$/.test(value) && value.length <= maxFieldCharacters
    ? value
    : `"${cut(value.replace(/["\\]/g, '\\$&'), maxFieldCharacters)}"`
}

const cut = (text: string, length: number): string => escaped(text.length > length ? `${text.slice(0, length)}…` : text)

const escaped = (text: string): string => text.replace(unsafe, unicodeEscape)

/** Controls (C0, DEL, C1), line and paragraph separators, marks that turn the direction of text, and half surrogate pairs. */
const unsafe = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cs}]/gu

const unicodeEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
