// One value of a tokenizer file with its path, so that whatever is wrong with it is reported by file and field.

import { QvlError } from '../errors.js'

export class JsonField {
  constructor(
    readonly value: unknown,
    private readonly file: string,
    private readonly path = '',
  ) {}

  /** A field of an object; its value is undefined when absent. */
  at(key: string): JsonField {
    const path = this.path === '' ? key : `${this.path}.${key}`
    return new JsonField(Object.hasOwn(this.object(), key) ? this.object()[key] : undefined, this.file, path)
  }

  /** Whether the value is absent or null. */
  get missing(): boolean {
    return this.value === undefined || this.value === null
  }

  object(): Record<string, unknown> {
    if (!isRecord(this.value)) return this.fail('must be an object')
    return this.value
  }

  items(): JsonField[] {
    if (!Array.isArray(this.value)) return this.fail('must be a list')
    return this.value.map((item: unknown, i) => new JsonField(item, this.file, `${this.path}[${i}]`))
  }

  string(): string {
    if (typeof this.value !== 'string') return this.fail('must be a string')
    return this.value
  }

  /** A string, or '' when absent or null. */
  stringOrEmpty(): string {
    return this.missing ? '' : this.string()
  }

  /** A boolean, or `fallback` when absent or null. */
  boolean(fallback: boolean): boolean {
    if (this.missing) return fallback
    if (typeof this.value !== 'boolean') return this.fail('must be true or false')
    return this.value
  }

  /** A whole number from 0 to below `limit`. */
  index(limit: number): number {
    const { value } = this
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= limit) {
      return this.fail(`must be a whole number from 0 to ${limit - 1}`)
    }
    return value
  }

  fail(rule: string, hint = 'Download the file again, or take it from the original checkpoint.'): never {
    throw new QvlError('TOKENIZER_INVALID', {
      what: `The tokenizer file ${this.file} is not usable.`,
      why: this.path === '' ? `Its content ${rule}.` : `Field ${this.path} ${rule}.`,
      do: hint,
      ...(this.path === '' ? {} : { param: this.path }),
    })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
