// Several devices of one kind as one: each batch goes to the one with the least to do.

import type { ProgramInputs, ProgramOutputs } from '../program/program.js'
import type { Arithmetic, LoadedProgram, Padding } from './device.js'
import { isLost } from './lost.js'

/** A device that has the program, and the rows of the batches that it has not answered yet. */
interface Lane {
  program: LoadedProgram
  rows: number
}

/** The same program on several devices that compute alike, so that it does not matter which of them takes a batch. */
export class SeveralPrograms implements LoadedProgram {
  readonly arithmetic: Arithmetic
  readonly wholeSequences?: true
  readonly numLanes: number
  readonly #lanes: readonly Lane[]

  /** `programs` are at least one, and this closes them. */
  constructor(programs: readonly LoadedProgram[]) {
    const [first] = programs
    if (first === undefined) throw new RangeError('no device')
    this.arithmetic = first.arithmetic
    if (first.wholeSequences) this.wholeSequences = true
    this.numLanes = programs.length
    this.#lanes = programs.map((program) => ({ program, rows: 0 }))
  }

  get isUp(): boolean {
    return this.#lanes.some(({ program }) => program.isUp !== false)
  }

  /** A batch whose device is lost meanwhile is computed once more, on another: it may itself be what devices stumble over. */
  async run(inputs: ProgramInputs): Promise<ProgramOutputs> {
    const lane = this.#freest()
    try {
      return await runOn(lane, inputs)
    } catch (error) {
      const other = isLost(error) ? this.#freest(lane) : lane
      if (other === lane) throw error
      return await runOn(other, inputs)
    }
  }

  padding(): Padding {
    const all = this.#lanes.flatMap(({ program }) => program.padding?.() ?? [])
    const sum = (name: keyof Padding): number => all.reduce((total, each) => total + each[name], 0)
    return { rows: sum('rows'), paddedRows: sum('paddedRows') }
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(({ program }) => program.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Of the lanes that are up, but for one; where none is, that one, or the first. */
  #freest(not?: Lane): Lane {
    const up = this.#lanes.filter((lane) => lane !== not && lane.program.isUp !== false)
    const first = up[0] ?? not ?? this.#lanes[0]!
    return up.reduce((best, lane) => (lane.rows < best.rows ? lane : best), first)
  }
}

async function runOn(lane: Lane, inputs: ProgramInputs): Promise<ProgramOutputs> {
  const rows = rowsOf(inputs)
  lane.rows += rows
  try {
    return await lane.program.run(inputs)
  } finally {
    lane.rows -= rows
  }
}

/** Rows that are computed, of which the spans cover all. */
function rowsOf(inputs: ProgramInputs): number {
  const spans = Object.values(inputs).find((input) => Array.isArray(input)) ?? []
  return spans.reduce((sum: number, span) => sum + (typeof span === 'number' ? 0 : span.rows), 0)
}
