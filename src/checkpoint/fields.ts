// Typed reading of the fields of a parsed JSON object; every error names the field and what is allowed.

import { type ErrorCode, QvlError } from '../errors.js'
import { quoteName } from './quote-name.js'

export interface NumberRange {
  min: number
  max: number
}

export type JsonObject = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface FieldsSource {
  /** The file the fields come from. */
  file: string
  code: ErrorCode
}

/**
 * The fields of one JSON object. A field that is null counts as absent, as it does for transformers. Fields that are
 * never asked for are ignored.
 */
export class Fields {
  readonly #object: JsonObject
  readonly #source: FieldsSource
  readonly #path: string

  /** Throws when `value` is not an object. `path` is where it stands in the file, such as `text_config`. */
  constructor(value: unknown, source: FieldsSource, path = '') {
    this.#source = source
    this.#path = path
    if (!isJsonObject(value)) throw this.#wrong('', value, 'an object')
    this.#object = value
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined
  }

  isList(name: string): boolean {
    return Array.isArray(this.#get(name))
  }

  names(): string[] {
    return Object.keys(this.#object)
  }

  number(name: string, range: NumberRange): number {
    return this.#required(name, this.optionalNumber(name, range), `a number ${inWords(range)}`)
  }

  int(name: string, range: NumberRange): number {
    return this.#required(name, this.optionalInt(name, range), `a whole number ${inWords(range)}`)
  }

  string(name: string): string {
    return this.#required(name, this.optionalString(name), 'text')
  }

  ints(name: string, range: NumberRange): number[] {
    return this.#required(name, this.optionalInts(name, range), `a list of whole numbers ${inWords(range)}`)
  }

  object(name: string): Fields {
    return this.#required(name, this.optionalObject(name), 'an object')
  }

  optionalNumber(name: string, range: NumberRange): number | undefined {
    return this.#optional(name, `a number ${inWords(range)}`, (value): value is number => isNumberIn(value, range))
  }

  optionalInt(name: string, range: NumberRange): number | undefined {
    return this.#optional(name, `a whole number ${inWords(range)}`, (value): value is number => isIntIn(value, range))
  }

  optionalString(name: string): string | undefined {
    return this.#optional(name, 'text', isString)
  }

  optionalBoolean(name: string): boolean | undefined {
    return this.#optional(name, 'true or false', (value): value is boolean => typeof value === 'boolean')
  }

  optionalStrings(name: string): string[] | undefined {
    return this.#optional(name, 'a list of texts', isStrings)
  }

  optionalInts(name: string, range: NumberRange): number[] | undefined {
    const accepts = (value: unknown): value is number[] =>
      Array.isArray(value) && value.every((item) => isIntIn(item, range))
    return this.#optional(name, `a list of whole numbers ${inWords(range)}`, accepts)
  }

  optionalObject(name: string): Fields | undefined {
    const value = this.#get(name)
    return value === undefined ? undefined : new Fields(value, this.#source, this.#full(name))
  }

  /** The error for a field whose value has the right type but does not fit, `allowed` in words. */
  invalid(name: string, allowed: string): QvlError {
    return this.#wrong(name, this.#object[name], allowed)
  }

  /** MODEL_UNSUPPORTED for a value that is meaningful but that qvl does not run. */
  unsupported(name: string, supported: string): QvlError {
    return new QvlError('MODEL_UNSUPPORTED', {
      what: `${this.#source.file} has ${this.#full(name)} = ${printed(this.#object[name])}, which is not supported.`,
      why: `Supported is ${supported}.`,
      do: 'Use a checkpoint without it.',
      param: this.#full(name),
    })
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? undefined) : undefined
  }

  #optional<T>(name: string, allowed: string, accepts: (value: unknown) => value is T): T | undefined {
    const value = this.#get(name)
    if (value === undefined) return undefined
    if (!accepts(value)) throw this.#wrong(name, value, allowed)
    return value
  }

  #required<T>(name: string, value: T | undefined, allowed: string): T {
    if (value === undefined) throw this.#wrong(name, undefined, allowed)
    return value
  }

  #full(name: string): string {
    return [this.#path, name].filter(Boolean).join('.')
  }

  #wrong(name: string, value: unknown, allowed: string): QvlError {
    const { file, code } = this.#source
    const full = this.#full(name)
    return new QvlError(code, {
      what: full === '' ? `${file} is not a JSON object.` : `The field ${full} of ${file} is not valid.`,
      why: `It is ${value === undefined ? 'missing' : printed(value)}; it must be ${allowed}.`,
      do: `Correct ${file}, or use another checkpoint.`,
      ...(full === '' ? {} : { param: full }),
    })
  }
}

const isString = (value: unknown): value is string => typeof value === 'string'

const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every(isString)

function isNumberIn(value: unknown, { min, max }: NumberRange): value is number {
  return typeof value === 'number' && value >= min && value <= max
}

function isIntIn(value: unknown, range: NumberRange): value is number {
  return isNumberIn(value, range) && Number.isInteger(value)
}

const inWords = ({ min, max }: NumberRange): string => `from ${min} to ${max}`

function printed(value: unknown): string {
  if (typeof value === 'string') return quoteName(value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (isJsonObject(value)) return 'an object'
  return String(value)
}
