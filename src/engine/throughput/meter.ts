// Counts what a loaded program computes, and reads the device's own clock.

import type { LoadedProgram } from '../../devices/device.js'
import { countFlops, type Flops } from '../../program/flops.js'
import type { Program, ProgramInputs, ProgramOutputs } from '../../program/program.js'
import type { QueuedDevice } from '../queue.js'

/** What a program did between two looks. */
export interface Work {
  /** Counted from the program, not by the device. */
  flops: Flops
  /** As the device measured it, if it does. */
  device?: { linearSeconds: number; attentionSeconds: number; totalSeconds: number }
}

export class Meter implements QueuedDevice {
  readonly #program: Program
  readonly #loaded: LoadedProgram
  #flops: Flops = { linear: 0, attention: 0 }
  #before: ReturnType<NonNullable<LoadedProgram['statistics']>> | undefined

  readonly wholeSequences?: true
  readonly numLanes?: number

  constructor(program: Program, loaded: LoadedProgram) {
    this.#program = program
    this.#loaded = loaded
    if (loaded.wholeSequences) this.wholeSequences = true
    if (loaded.numLanes !== undefined) this.numLanes = loaded.numLanes
    this.#before = loaded.statistics?.()
  }

  run(inputs: ProgramInputs): Promise<ProgramOutputs> {
    const { linear, attention } = countFlops(this.#program, inputs)
    this.#flops.linear += linear
    this.#flops.attention += attention
    return this.#loaded.run(inputs)
  }

  /** The work since the last call. */
  take(): Work {
    const flops = this.#flops
    const [before, after] = [this.#before, this.#loaded.statistics?.()]
    this.#flops = { linear: 0, attention: 0 }
    this.#before = after
    if (before === undefined || after === undefined) return { flops }
    return {
      flops,
      device: {
        linearSeconds: after.linearSeconds - before.linearSeconds,
        attentionSeconds: after.attentionSeconds - before.attentionSeconds,
        totalSeconds: after.totalSeconds - before.totalSeconds,
      },
    }
  }
}
