// What is said to the person on stderr: errors, warnings, notes and details.

import { inspect } from 'node:util'
import type { QvlError } from '../errors.js'
import { paint, printable, type Terminal } from './terminal.js'

export interface Messages {
  error(error: QvlError): void
  warn(message: string): void
  /** Left out with --quiet. */
  note(message: string): void
  /** Only with --verbose. */
  detail(message: string): void
}

interface MessageOptions {
  write: (text: string) => void
  terminal: Terminal
  quiet: boolean
  verbose: boolean
  debug: boolean
}

export function messagesTo({ write, terminal, quiet, verbose, debug }: MessageOptions): Messages {
  const { color } = terminal.stderr
  const line = (message: string): void => write(`${printable(message)}\n`)
  return {
    error: (error) => write(errorText(error, { color, debug })),
    warn: (message) => write(`${paint('warning', 'yellow', color)}: ${printable(message)}\n`),
    note: (message) => {
      if (!quiet) line(message)
    },
    detail: (message) => {
      if (verbose && !quiet) line(message)
    },
  }
}

/** Three lines: what happened, why, what to do. With `debug`, the stack and the causes below. */
export function errorText(error: QvlError, { color, debug }: { color: boolean; debug: boolean }): string {
  const { what, why, do: action } = error.details
  const lines = [`${paint(`error[${error.code}]`, 'red', color)} ${printable(what)}`]
  if (why !== undefined) lines.push(`  ${printable(why)}`)
  if (action !== undefined) lines.push(`  ${printable(action)}`)
  if (debug) lines.push(printable(inspect(error, { colors: false, depth: 4 })))
  return `${lines.join('\n')}\n`
}
