// A program loaded on the cpu device.

import { QvlError } from '../../errors.js'
import type { ProgramInputs, ProgramOutputs, Span } from '../../program/program.js'
import { programClosed } from '../closed.js'
import type { LoadedProgram } from '../device.js'
import type { FlatSpans, Handle, NativeCpu, NativeInputs, Statistics } from './native.js'

export class CpuProgram implements LoadedProgram {
  readonly #native: NativeCpu
  readonly #handle: Handle
  #running: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(native: NativeCpu, handle: Handle) {
    this.#native = native
    this.#handle = handle
  }

  async run(inputs: ProgramInputs): Promise<ProgramOutputs> {
    if (this.#closed) throw programClosed()
    const run = this.#native.run(this.#handle, nativeInputs(inputs))
    this.#running = Promise.allSettled([this.#running, run])
    try {
      return await run
    } catch (cause) {
      throw new QvlError('DEVICE_FAILED', {
        what: 'The cpu device could not compute a batch.',
        why: cause instanceof RangeError ? 'Memory ran out.' : 'The batch does not fit the model, or was cancelled.',
        do: 'Lower --max-num-batched-tokens if memory is short; otherwise report this with --debug.',
        cause,
      })
    }
  }

  statistics(): Statistics {
    return this.#native.statistics(this.#handle)
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
}

function nativeInputs(inputs: ProgramInputs): NativeInputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, isSpans(input) ? flatSpans(input) : input]),
  )
}

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
  }
}
