// The text of one flag to its typed value, wherever the text came from: command line, environment or config file.

import { QvlError } from '../errors.js'
import { type Flag, type FlagValue, type JsonObject, takesPath } from './flag.js'

/** vLLM's integers with a suffix: k, m, g, t are powers of 1000 and may have decimals, K, M, G, T powers of 1024. */
const suffixes = new Map([
  ['k', 1000],
  ['m', 1000 ** 2],
  ['g', 1000 ** 3],
  ['t', 1000 ** 4],
  ['K', 1024],
  ['M', 1024 ** 2],
  ['G', 1024 ** 3],
  ['T', 1024 ** 4],
])

/**
 * The value, or null where the text says "not set" and the flag allows that. `origin` names the place for errors, such
 * as `--threads` or `QVL_THREADS`. Throws USAGE.
 */
export function parseFlagValue(flag: Flag, text: string, origin: string): FlagValue | null {
  if (flag.orNone && (text === '' || text === 'None')) return null
  switch (flag.type) {
    case 'string':
    case 'list':
      if (text === '' && takesPath(flag)) throw unfit(origin, text, 'It is a path, and this one is empty.')
      return text
    case 'bool':
      return parseBoolean(text, origin)
    case 'int':
      return inRange(flag, /^-?\d+$/.test(text) ? Number(text) : undefined, text, origin)
    case 'number':
      return inRange(flag, decimal(text), text, origin)
    case 'human-int':
      // vLLM's words for "the largest that fits".
      if (flag.orNone && (text === 'auto' || text === '-1')) return null
      return inRange(flag, humanInteger(text), text, origin)
    case 'choice':
      return chosen(flag, text, origin)
    case 'json':
      return parseJsonObject(text, origin)
    default:
      return flag satisfies never
  }
}

/** `8k` is 8000 and `8K` 8192; undefined when the text is no such integer. */
export function humanInteger(text: string): number | undefined {
  const match = /^(\d+)(\.\d+)?([kmgtKMGT])?$/.exec(text)
  if (match === null) return undefined
  const [, whole, decimals, suffix] = match
  if (suffix === undefined) return decimals === undefined ? Number(whole) : undefined
  if (decimals !== undefined && suffix === suffix.toUpperCase()) return undefined
  const value = Number(whole + (decimals ?? '')) * suffixes.get(suffix)!
  // 1.1k is 1100.0000000000002 in binary floating point.
  const rounded = Math.round(value)
  return Math.abs(value - rounded) < 1e-6 * value ? rounded : undefined
}

function decimal(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  return text === 'inf' ? Number.POSITIVE_INFINITY : undefined
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function chosen(flag: Extract<Flag, { type: 'choice' }>, text: string, origin: string): string {
  const { choices, anyCase } = flag
  const word = anyCase ? text.toLowerCase() : text
  if (choices.includes(word)) return word
  throw unfit(origin, text, `It is one of: ${choices.join(', ')}.`)
}

function parseBoolean(text: string, origin: string): boolean {
  const word = text.toLowerCase()
  if (['1', 'true', 'yes', 'on'].includes(word)) return true
  if (['0', 'false', 'no', 'off'].includes(word)) return false
  throw unfit(origin, text, 'It is true or false.')
}

const numberForms = {
  int: 'a whole number',
  'human-int': 'a whole number, also as 8k or 8K,',
  number: 'a number',
} as const

function inRange(flag: Extract<Flag, { min: number }>, value: number | undefined, text: string, origin: string) {
  if (value !== undefined && value >= flag.min && value <= flag.max) return value
  const form = numberForms[flag.type]
  const allowed = flag.max === Number.POSITIVE_INFINITY ? `${flag.min} up, or inf` : `${flag.min} to ${flag.max}`
  throw unfit(origin, text, `It is ${form} from ${allowed}.`)
}

function parseJsonObject(text: string, origin: string): JsonObject {
  const value = parseJson(text)
  if (isJsonObject(value)) return value
  throw unfit(origin, text, `It is a JSON object, such as '{"key": "value"}'; mind the quotes of your shell.`)
}

/** Undefined when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unfit(origin: string, text: string, allowed: string): QvlError {
  return new QvlError('USAGE', {
    what: `${origin} does not take the value ${quoted(text)}.`,
    why: allowed,
    do: 'Correct the value; qvl <command> --help lists what each flag takes.',
    param: origin,
  })
}

const maxQuoted = 60

const quoted = (text: string): string =>
  JSON.stringify(text.length > maxQuoted ? `${text.slice(0, maxQuoted)}...` : text)
