// The server's log: one line per event, as text for people or JSON for machines, safe against what clients write.

import type { QvlError } from '../errors.js'
import { type Entry, jsonLine, textLine } from './log/lines.js'
import { requestEntry } from './log/request-line.js'
import type { RouteTiming } from './route.js'

export const logLevels = ['debug', 'info', 'warning', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** An answered request. Neither bodies nor keys nor query strings. */
export interface RequestLine {
  id: string
  method: string
  path: string
  status: number
  /** From its first byte to the last byte of the answer. */
  milliseconds: number
  timing: RouteTiming
  /** The code of the error that was answered. */
  code?: string | undefined
}

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** An error with its cause and stack, which clients never see. */
  failed(error: QvlError, fields?: LogFields): void
  request(line: RequestLine): void
}

export interface LogOptions {
  format: 'text' | 'json'
  /** Events below it are left out. */
  level: LogLevel
  /** A line for each request (default true). */
  requests?: boolean
  /** Paths without such a line, as --disable-access-log-for-endpoints lists them. */
  quietPaths?: readonly string[]
  write: (text: string) => void
}

export function openLog({ format, level, requests = true, quietPaths = [], write }: LogOptions): Log {
  const lowest = logLevels.indexOf(level)
  const quiet = new Set(quietPaths)
  const put = (entry: Omit<Entry, 'time'>): void => {
    if (logLevels.indexOf(entry.level) < lowest) return
    const stamped = { ...entry, time: new Date() }
    write(format === 'json' ? jsonLine(stamped) : textLine(stamped))
  }
  const at = (each: LogLevel) => (message: string, fields?: LogFields) => put({ level: each, message, fields })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warning'),
    error: at('error'),
    failed: (error, fields) =>
      put({ level: 'error', message: error.message, fields: { code: error.code, ...fields }, error }),
    request(line) {
      if (requests && !quiet.has(line.path)) put(requestEntry(line))
    },
  }
}
