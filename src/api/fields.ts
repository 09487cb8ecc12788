// Readers of request fields: unknown JSON in, typed values out, or a refusal that names the field.

import { QvlError } from '../errors.js'

export type JsonObject = Readonly<Record<string, unknown>>

/** Strings are quoted in messages up to this many characters, so that a message never echoes a body. */
const maxQuoted = 40

/** The refusal of one field that is missing or has a wrong type. `allowed` completes "Send …". */
export function invalidField(path: string, got: unknown, allowed: string): QvlError {
  return new QvlError('REQUEST_SCHEMA', {
    what: got === undefined ? `\`${path}\` is missing.` : `\`${path}\` is ${describe(got)}.`,
    do: `Send ${allowed}.`,
    param: path,
  })
}

/** The same for one of a few words. Clients look for pydantic's name of this mistake. */
export function notOneOf(path: string, got: unknown, choices: readonly string[]): QvlError {
  return new QvlError('REQUEST_SCHEMA', {
    what: `\`${path}\` is ${describe(got)} (literal_error).`,
    do: `Send one of ${choices.map((each) => `"${each}"`).join(', ')}.`,
    param: path,
  })
}

/** The refusal of a request whose form is right and whose content is not. */
export const refusal = (param: string, what: string, more: { why?: string; do?: string } = {}): QvlError =>
  new QvlError('REQUEST_INVALID', { what, param, ...more })

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

/** An object of a request, and where it stands in it. A field that is null counts as absent. */
export class Fields {
  readonly object: JsonObject
  readonly path: string

  /** @param path `''` for the whole request, else a dotted path such as `body` or `documents[3]`. */
  constructor(value: unknown, path: string) {
    if (!isObject(value)) throw invalidField(path === '' ? 'request' : path, value, 'a JSON object')
    this.object = value
    this.path = path
  }

  pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }

  get(key: string): unknown {
    return Object.hasOwn(this.object, key) ? (this.object[key] ?? undefined) : undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  invalid(key: string, allowed: string): QvlError {
    return invalidField(this.pathOf(key), this.get(key), allowed)
  }

  string(key: string): string | undefined {
    const value = this.get(key)
    if (value === undefined || typeof value === 'string') return value
    throw this.invalid(key, 'a string')
  }

  boolean(key: string): boolean | undefined {
    const value = this.get(key)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.invalid(key, 'true or false')
  }

  /** A whole number of at least `min`. */
  integer(key: string, min: number): number | undefined {
    const value = this.get(key)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value
    throw this.invalid(key, min === Number.MIN_SAFE_INTEGER ? 'a whole number' : `a whole number of at least ${min}`)
  }

  number(key: string): number | undefined {
    const value = this.get(key)
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
    throw this.invalid(key, 'a number')
  }

  record(key: string): JsonObject | undefined {
    const value = this.get(key)
    if (value === undefined || isObject(value)) return value
    throw this.invalid(key, 'a JSON object')
  }

  oneOf<Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.get(key)
    if (value === undefined) return undefined
    const choice = choices.find((each) => each === value)
    if (choice === undefined) throw notOneOf(this.pathOf(key), value, choices)
    return choice
  }
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (isList(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (typeof value === 'object') return 'an object'
  if (typeof value !== 'string') return String(value)
  return value.length > maxQuoted ? `a string of ${value.length} characters` : `the string ${JSON.stringify(value)}`
}
