// A device for tests of the queue: it "computes" the token ids that a pooled row sees, so that a wrong row shows at once.

import type { KeptSpans } from '#qvl/devices/device.js'
import { QvlError } from '#qvl/errors.js'
import type { Model } from '#qvl/models/model.js'
import type { ProgramInputs, ProgramOutputs, Span } from '#qvl/program/program.js'

/** A model whose batches go to the device as they are. */
export const spellingModel: Model = {
  program: { inputs: [], ops: [], shapes: [], outputs: [] },
  weights: new Map(),
  hidden: 3,
  causal: true,
  inputs: ({ ids, positions, spans, pooled }) => ({ ids, positions, spans, pooled }),
}

/** What the device answers for a sequence: its length and two sums over it. */
export function spelled(ids: ArrayLike<number>): number[] {
  let [a, b] = [1, 0]
  for (let i = 0; i < ids.length; i++) {
    a = (a * 31 + ids[i]! + 1) % 65_521
    b = (b + a) % 65_521
  }
  return [ids.length, a, b]
}

export interface Run {
  /** What every pooled row sees. */
  sequences: number[][]
  /** Rows computed. */
  rows: number
  spans: readonly Span[]
}

export interface SpellingOptions {
  /** An error that the device throws instead of this run's results. */
  fails?: (run: Run) => QvlError | undefined
  /** Answers NaN for these sequences. */
  nan?: (ids: readonly number[]) => boolean
  /** How long a run takes. */
  delay?: (run: Run) => Promise<void>
}

/** Bytes of one kept row. */
export const rowBytes = 10

export class SpellingDevice {
  readonly runs: Run[] = []
  readonly kept = new Map<number, readonly number[]>()
  readonly #options: SpellingOptions
  /** Runs are done, and spans forgotten, in the order in which they were asked for. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: SpellingOptions = {}) {
    this.#options = options
  }

  readonly keptSpans: KeptSpans = {
    bytes: (rows) => rows * rowBytes,
    forget: (keep) => {
      this.#last = this.#last.then(() => this.kept.delete(keep))
    },
  }

  run(inputs: ProgramInputs): Promise<ProgramOutputs> {
    const done = this.#last.then(() => this.#compute(inputs))
    this.#last = done.catch(() => {})
    return done
  }

  async #compute(inputs: ProgramInputs): Promise<ProgramOutputs> {
    const [ids, positions, pooled, spans] = [
      ints(inputs.ids),
      ints(inputs.positions),
      ints(inputs.pooled),
      inputs.spans,
    ]
    if (!isSpans(spans)) throw new TypeError('no spans')
    checkCover(spans, ids.length)
    const sequences = Array.from(pooled, (row) => this.#seenBy(row, ids, spans))
    for (const [index, row] of pooled.entries()) {
      if (positions[row] !== sequences[index]!.length - 1) throw new TypeError(`row ${row} stands in the wrong place`)
    }
    const run = { sequences, rows: ids.length, spans }
    this.runs.push(run)
    await this.#options.delay?.(run)
    const error = this.#options.fails?.(run)
    if (error !== undefined) throw error
    for (const { keep, start, rows } of spans) {
      if (keep !== undefined) this.kept.set(keep, [...ids.subarray(start, start + rows)])
    }
    const data = Float32Array.from(
      sequences.flatMap((sequence) => (this.#options.nan?.(sequence) ? [Number.NaN, 0, 0] : spelled(sequence))),
    )
    return { hidden: { rows: pooled.length, width: 3, data } }
  }

  #seenBy(row: number, ids: Int32Array, spans: readonly Span[]): number[] {
    const own = spans.find(({ kept, start, rows }) => kept === undefined && row >= start && row < start + rows)!
    const before = own.chain.flatMap((index) => this.#tokensOf(spans[index]!, ids))
    return [...before, ...ids.subarray(own.start, row + 1)]
  }

  #tokensOf({ kept, start, rows }: Span, ids: Int32Array): number[] {
    if (kept === undefined) return [...ids.subarray(start, start + rows)]
    const tokens = this.kept.get(kept)
    if (tokens !== undefined && tokens.length >= rows) return tokens.slice(0, rows)
    throw new QvlError('DEVICE_FAILED', { what: `The span ${kept} is not kept.` })
  }
}

export const deviceFailed = (): QvlError => new QvlError('DEVICE_FAILED', { what: 'The device failed.' })

function checkCover(spans: readonly Span[], numRows: number): void {
  let next = 0
  for (const { kept, start, rows, chain } of spans) {
    if (kept !== undefined && chain.length > 0) throw new TypeError('a kept span has a chain')
    if (kept !== undefined) continue
    if (start !== next) throw new TypeError('spans leave a gap')
    next += rows
  }
  if (next !== numRows) throw new TypeError('spans do not cover all rows')
}

function ints(input: ProgramInputs[string] | undefined): Int32Array {
  if (input instanceof Int32Array) return input
  throw new TypeError('not integers')
}

const isSpans = (input: ProgramInputs[string] | undefined): input is readonly Span[] => Array.isArray(input)
