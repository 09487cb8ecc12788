// A compiled program on one card: batches become runs of its gears, and the runs' outputs become a batch again.

import type { ProgramInputs, ProgramOutputs } from '../../program/program.js'
import { programClosed } from '../closed.js'
import type { Arithmetic, LoadedProgram, Padding } from '../device.js'
import type { CardModel } from './card.js'
import { type GearRun, joinRuns, type NpuLayout, planRuns } from './layout.js'

/** A full gear takes a second at most; a run that takes this long will not end. */
const runTimeoutMs = 60_000

export class NpuProgram implements LoadedProgram {
  readonly arithmetic: Arithmetic
  readonly wholeSequences = true
  readonly #model: CardModel
  readonly #layout: NpuLayout
  /** The last two runs: the next one is handed over when the first of them has ended. */
  #handed: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()]
  #closed = false
  readonly #padding: Padding = { rows: 0, paddedRows: 0 }

  constructor(model: CardModel, layout: NpuLayout, arithmetic: Arithmetic) {
    this.#model = model
    this.#layout = layout
    this.arithmetic = arithmetic
  }

  get isUp(): boolean {
    return this.#model.isUp
  }

  async run(inputs: ProgramInputs): Promise<ProgramOutputs> {
    if (this.#closed) throw programClosed()
    const runs = planRuns(this.#layout, inputs)
    for (const { realRows, paddedRows } of runs) {
      this.#padding.rows += realRows
      this.#padding.paddedRows += paddedRows
    }
    await Promise.all(runs.map((run) => this.#inOrder(run)))
    return joinRuns(this.#layout, runs)
  }

  padding(): Padding {
    return { ...this.#padding }
  }

  /** Waits for the runs before it. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#handed[1]
    await this.#model.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** One run computes while the inputs of the next are copied. */
  #inOrder(run: GearRun): Promise<void> {
    const [before, last] = this.#handed
    const done = before.then(() => this.#compute(run))
    this.#handed = [last, done.catch(() => {})]
    return done
  }

  async #compute({ dims, inputs, outputs }: GearRun): Promise<void> {
    await this.#model.run({ gear: dims, inputs, outputs, timeoutMs: runTimeoutMs })
  }
}
