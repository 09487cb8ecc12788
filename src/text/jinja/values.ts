// Values inside a template, with Python's ideas of truth, equality, order and printing.

import type { Budget } from './budget.js'
import { fault } from './fault.js'

/** A number that prints as a float: Python writes 4 / 2 as 2.0. */
export class Float {
  constructor(readonly value: number) {}
}

export interface Call {
  readonly args: readonly Value[]
  readonly named: ReadonlyMap<string, Value>
}

export class Callable {
  constructor(readonly invoke: (call: Call) => Value) {}
}

/** What `namespace()` makes: the only thing a template can change. */
export class Namespace {
  constructor(readonly fields: Map<string, Value>) {}
}

/** Dictionaries are Maps, so no lookup reaches a JavaScript prototype. `undefined` is Jinja's Undefined. */
export type Value = undefined | null | boolean | number | string | Float | Value[] | Dict | Namespace | Callable
export type Dict = Map<string, Value>

export function truthy(value: Value): boolean {
  if (value instanceof Map) return value.size > 0
  if (Array.isArray(value)) return value.length > 0
  return value instanceof Float ? value.value !== 0 : Boolean(value)
}

/** The number behind an int, a float or a bool. */
export function numeric(value: Value): number | undefined {
  if (value instanceof Float) return value.value
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'number' ? value : undefined
}

export function typeName(value: Value): string {
  if (value === undefined) return 'an undefined value'
  if (value === null) return 'none'
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Map) return 'a dictionary'
  if (value instanceof Namespace) return 'a namespace'
  if (value instanceof Callable) return 'a function'
  if (typeof value === 'string') return 'a string'
  return typeof value === 'boolean' ? 'a boolean' : 'a number'
}

export function equal(a: Value, b: Value, budget: Budget): boolean {
  budget.step()
  const x = numeric(a)
  if (x !== undefined) return x === numeric(b)
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => nestedEqual(item, b[i], budget))
  }
  if (a instanceof Map) {
    return (
      b instanceof Map &&
      a.size === b.size &&
      [...a].every(([key, item]) => b.has(key) && nestedEqual(item, b.get(key), budget))
    )
  }
  return a === b
}

const nestedEqual = (a: Value, b: Value, budget: Budget) => budget.nested(() => equal(a, b, budget))

/** Negative, zero or positive. Numbers go with numbers and strings with strings. */
export function compare(a: Value, b: Value): number {
  const x = numeric(a)
  const y = numeric(b)
  if (x !== undefined && y !== undefined) return x - y
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  return fault(`It compares ${typeName(a)} with ${typeName(b)}.`)
}

/** What iterating over a value yields; every entry is a step. */
export function iterate(value: Value, budget: Budget): Value[] {
  return budget.list(entries(value, budget))
}

/** The entries of a value, for whoever looks at one of them or at their number. */
export function entries(value: Value, budget: Budget): Value[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  if (value instanceof Map) return budget.list([...value.keys()])
  if (typeof value === 'string') return codePoints(value, budget)
  return fault(`It loops over ${typeName(value)}.`)
}

export function codePoints(text: string, budget: Budget): string[] {
  budget.chars(text.length)
  return Array.from(text)
}

/** The value as `{{ }}` prints it. */
export function display(value: Value, budget: Budget): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return budget.text(value)
  return budget.text(repr(value, budget))
}

function repr(value: Value, budget: Budget): string {
  budget.step()
  const inner = (item: Value) => budget.nested(() => repr(item, budget))
  if (value === undefined) return 'Undefined'
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return String(value)
  if (value instanceof Float) return floatText(value.value)
  if (typeof value === 'string') return quoted(budget.text(value))
  if (Array.isArray(value)) return budget.text(`[${value.map(inner).join(', ')}]`)
  if (value instanceof Map) {
    return budget.text(`{${[...value].map(([key, item]) => `${quoted(key)}: ${inner(item)}`).join(', ')}}`)
  }
  return value instanceof Namespace ? `<Namespace ${inner(value.fields)}>` : fault('It prints a function.')
}

export function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? value.toFixed(1) : String(value)
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escapes = new Map([
    ['\n', '\\n'],
    ['\r', '\\r'],
    ['\t', '\\t'],
    ['\\', '\\\\'],
    [quote, `\\${quote}`],
  ])
  const body = text.replace(/[\n\r\t\\'"]/g, (char) => escapes.get(char) ?? char)
  return quote + body.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`) + quote
}
