// The inputs of a batch, checked against what the program declares.

import { QvlError } from '../../errors.js'
import type { ProgramInput, ProgramInputs, RowsName, Span } from '../../program/program.js'
import { spanNumbers } from '../../program/spans.js'

export class Batch {
  readonly #values: ProgramInputs
  readonly #numRows = new Map<RowsName, number>()

  constructor(inputs: readonly ProgramInput[], values: ProgramInputs) {
    this.#values = values
    for (const input of inputs) if (input.kind !== 'spans') this.#count(input)
  }

  numRows(rows: RowsName): number {
    return this.#numRows.get(rows) ?? 0
  }

  floats(name: string): Float32Array {
    const value = this.#values[name]
    if (value instanceof Float32Array) return value
    throw unfit(name, 'It must be a Float32Array.')
  }

  integers(name: string): Int32Array {
    const value = this.#values[name]
    if (value instanceof Int32Array) return value
    throw unfit(name, 'It must be an Int32Array.')
  }

  /** The spans, which cover the rows in order and without gaps. */
  spans(name: string, rows: RowsName): readonly Span[] {
    const value = this.#values[name]
    if (!Array.isArray(value)) throw unfit(name, 'It must be a list of spans.')
    spanNumbers(value, this.numRows(rows))
    return value
  }

  /** Inputs whose rows have the same name must agree on how many there are. */
  #count({ name, kind, rows, width }: Exclude<ProgramInput, { kind: 'spans' }>): void {
    const { length } = kind === 'f32' ? this.floats(name) : this.integers(name)
    const known = this.#numRows.get(rows) ?? length / width
    if (!Number.isInteger(known) || known * width !== length)
      throw unfit(name, `It has ${length} numbers; ${known} rows of ${width} were expected.`)
    this.#numRows.set(rows, known)
  }
}

export const unfit = (input: string, why: string): QvlError =>
  new QvlError('INTERNAL', { what: `The input ${input} of a batch does not fit the program.`, why, param: input })
