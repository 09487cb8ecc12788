// Python's string operations, as far as templates use them.

import type { Budget } from './budget.js'
import { fault } from './fault.js'
import { display, Float, numeric, type Value } from './values.js'

/** What Python calls whitespace, for a character class. */
const blanks = '\\p{White_Space}\\x1c-\\x1f'

/** str.strip and its one-sided forms; `chars` is a set of characters, whitespace by default. */
export function strip(text: string, chars?: string, side: 'both' | 'left' | 'right' = 'both'): string {
  const blank = new RegExp(`[${blanks}]`, 'u')
  const set = chars === undefined ? undefined : new Set(Array.from(chars))
  const isStripped = (char: string | undefined) =>
    char !== undefined && (set === undefined ? blank.test(char) : set.has(char))
  let start = 0
  let stop = text.length
  while (side !== 'right' && start < stop && isStripped(text[start])) start++
  while (side !== 'left' && stop > start && isStripped(text[stop - 1])) stop--
  return text.slice(start, stop)
}

/** str.split: at `separator`, or at runs of whitespace; at most `max` cuts, from the right with `fromRight`. */
export function split(text: string, separator: string | undefined, max: number, fromRight = false): string[] {
  if (separator === '') fault('It splits a string at an empty separator.')
  const parts = separator === undefined ? splitBlanks(text) : splitAt(text, separator)
  if (max < 0 || parts.length <= max + 1) return parts.map((part) => part.text)
  const kept = fromRight ? parts.slice(parts.length - max) : parts.slice(0, max)
  const rest = fromRight ? text.slice(0, parts[parts.length - max - 1]?.stop) : text.slice(parts[max]?.start)
  const words = kept.map((part) => part.text)
  return fromRight ? [rest, ...words] : [...words, rest]
}

interface Part {
  text: string
  start: number
  stop: number
}

function splitAt(text: string, separator: string): Part[] {
  let start = 0
  return text.split(separator).map((part) => {
    const found = { text: part, start, stop: start + part.length }
    start = found.stop + separator.length
    return found
  })
}

function splitBlanks(text: string): Part[] {
  const word = new RegExp(`[^${blanks}]+`, 'gu')
  return Array.from(text.matchAll(word), (match) => ({
    text: match[0],
    start: match.index,
    stop: match.index + match[0].length,
  }))
}

/** str.replace, with at most `max` replacements; the result is counted before it is made. */
export function replace(text: string, from: string, to: string, max: number, budget: Budget): string {
  const parts = from === '' ? ['', ...Array.from(text), ''] : text.split(from)
  const cuts = max < 0 ? parts.length - 1 : Math.min(max, parts.length - 1)
  budget.chars(text.length + cuts * to.length)
  if (cuts === parts.length - 1) return parts.join(to)
  return `${parts.slice(0, cuts + 1).join(to)}${from}${parts.slice(cuts + 1).join(from)}`
}

export function capitalize(text: string): string {
  const [first = '', ...rest] = Array.from(text)
  return first.toUpperCase() + rest.join('').toLowerCase()
}

/** str.title: every letter after a character that is no letter is a capital. */
export function title(text: string): string {
  return text.replace(/\p{L}+/gu, capitalize)
}

/** The `%` operator on strings, for s, r, d, i, f and %%. */
export function percentFormat(format: string, value: Value, budget: Budget): string {
  const values = Array.isArray(value) ? value : [value]
  let next = 0
  const text = format.replace(
    /%(?:\((\w+)\))?([-0+ ]*)(\d*)(?:\.(\d+))?(.?)/gs,
    (_, key: string | undefined, flags: string, width: string, precision: string | undefined, kind: string) => {
      if (kind === '%') return '%'
      const item = key === undefined ? values[next++] : value instanceof Map ? value.get(key) : undefined
      const body = formatOne(item, kind, precision, budget)
      budget.chars(Number(width) + body.length)
      if (flags.includes('-')) return body.padEnd(Number(width))
      return body.padStart(Number(width), flags.includes('0') && kind !== 's' ? '0' : ' ')
    },
  )
  return budget.text(text)
}

/** More digits after the point than a float has. */
const maxPrecision = 30

function formatOne(value: Value, kind: string, precision: string | undefined, budget: Budget): string {
  if (value === undefined) return fault('It formats an undefined value.')
  if (kind === 's') return display(value, budget).slice(0, precision === undefined ? undefined : Number(precision))
  if (kind === 'r') return display([value], budget).slice(1, -1)
  const number = numeric(value) ?? fault('It formats something else as a number.')
  if (kind === 'd' || kind === 'i') return String(Math.trunc(number))
  if (kind === 'f') return number.toFixed(Math.min(Number(precision ?? 6), maxPrecision))
  return fault(`It formats with %${kind}, which is not supported.`)
}

/** round(): half to even, as Python does. */
export function roundHalfEven(value: number, precision: number): Float {
  const scale = 10 ** precision
  const scaled = value * scale
  const floor = Math.floor(scaled)
  const isHalf = scaled - floor === 0.5
  return new Float((isHalf ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(scaled)) / scale)
}
