// A program loaded on the cpu device.

import { QvlError } from '../../errors.js'
import type { ProgramInputs, ProgramOutputs, Span } from '../../program/program.js'
import { programClosed } from '../closed.js'
import type { Arithmetic, KeptSpans, LoadedProgram } from '../device.js'
import { isOutOfMemory } from './addon.js'
import type { FlatSpans, Format, Handle, NativeCpu, NativeInputs, Statistics } from './native.js'

/** A plan loaded by the addon. */
interface LoadedPlan {
  handle: Handle
  /** Format of its matrix products. */
  products: Format
  threads: number
}

const productNames = { f32: 'float32', bf16: 'bfloat16', i8: 'int8' } as const

export class CpuProgram implements LoadedProgram {
  readonly arithmetic: Arithmetic
  readonly keptSpans?: KeptSpans
  readonly #native: NativeCpu
  readonly #handle: Handle
  readonly #products: Format
  /** Settles when all runs so far have, and keeps none of their outputs. */
  #running: Promise<void> = Promise.resolve()
  #closed = false

  constructor(native: NativeCpu, { handle, products, threads }: LoadedPlan) {
    this.#native = native
    this.#handle = handle
    this.#products = products
    this.arithmetic = { products: productNames[products], threads, instructionSet: native.isa().selected }
    if (native.keptBytes(handle, 1) === 0) return
    this.keptSpans = {
      bytes: (rows) => native.keptBytes(handle, rows),
      forget: (keep) => this.#forget(keep),
    }
  }

  async run(inputs: ProgramInputs): Promise<ProgramOutputs> {
    if (this.#closed) throw programClosed()
    const run = this.#native.run(this.#handle, nativeInputs(inputs))
    this.#closeAfter(run)
    try {
      return await run
    } catch (cause) {
      throw runFailed(cause)
    }
  }

  statistics(): Statistics {
    return this.#native.statistics(this.#handle)
  }

  peak(seconds: number): Promise<number> {
    return this.#native.peak(this.#products, this.arithmetic.threads, seconds)
  }

  /** Runs in progress are answered first. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#running
    this.#native.close(this.#handle)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Closing forgets everything. */
  #forget(keep: number): void {
    if (!this.#closed) this.#closeAfter(this.#native.forget(this.#handle, keep))
  }

  #closeAfter(work: Promise<unknown>): void {
    this.#running = Promise.allSettled([this.#running, work]).then(() => undefined)
  }
}

function nativeInputs(inputs: ProgramInputs): NativeInputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, isSpans(input) ? flatSpans(input) : input]),
  )
}

function runFailed(cause: unknown): QvlError {
  const what = 'The cpu device could not compute a batch.'
  if (isOutOfMemory(cause)) {
    const todo = 'Lower --max-num-batched-tokens, or --max-model-len for a single long text.'
    return new QvlError('DEVICE_OUT_OF_MEMORY', { what, why: 'Memory ran out.', do: todo, cause })
  }
  const why = 'The batch does not fit the model, or was cancelled.'
  return new QvlError('DEVICE_FAILED', { what, why, do: 'Report this with --debug.', cause })
}

const noNumber = -1

const isSpans = (input: ProgramInputs[string]): input is readonly Span[] => Array.isArray(input)

function flatSpans(spans: readonly Span[]): FlatSpans {
  const chainOffsets = new Int32Array(spans.length + 1)
  spans.forEach(({ chain }, index) => {
    chainOffsets[index + 1] = chainOffsets[index]! + chain.length
  })
  return {
    starts: Int32Array.from(spans, ({ start }) => start),
    rows: Int32Array.from(spans, ({ rows }) => rows),
    chainOffsets,
    chains: Int32Array.from(spans.flatMap(({ chain }) => chain)),
    keep: Float64Array.from(spans, ({ keep }) => keep ?? noNumber),
    kept: Float64Array.from(spans, ({ kept }) => kept ?? noNumber),
  }
}
