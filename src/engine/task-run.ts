// A task on its way: which of its sequences wait, run and are done, and what becomes of it.

import { QvlError } from '../errors.js'
import type { PooledRows } from './answers.js'
import type { TreeSequence } from './prefix-tree.js'
import type { EngineLoad, Timing } from './requests.js'

export interface Computed {
  /** In the order of the task's sequences. */
  rows: readonly PooledRows[]
  timing: Timing
}

/** What all tasks of a queue come to; each keeps its own part up to date. */
export type TaskLoad = Pick<EngineLoad, 'waitingTasks' | 'runningTasks' | 'waitingTokens'>

type Stage = 'waiting' | 'running' | 'settled'

export class TaskRun {
  readonly sequences: readonly TreeSequence[]
  readonly done: Promise<Computed>
  readonly #load: TaskLoad
  readonly #rows: (PooledRows | undefined)[]
  readonly #submitted = performance.now()
  #started = this.#submitted
  #stage: Stage = 'waiting'
  #numStarted = 0
  #numLeft: number
  #waitingTokens: number
  #whenSettled: () => void = () => {}
  #resolve: (computed: Computed) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  constructor(sequences: readonly TreeSequence[], load: TaskLoad) {
    this.sequences = sequences
    this.#load = load
    this.#rows = sequences.map(() => undefined)
    this.#numLeft = sequences.length
    this.#waitingTokens = sequences.reduce((sum, { ids }) => sum + ids.length, 0)
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    load.waitingTasks++
    load.waitingTokens += this.#waitingTokens
    if (sequences.length === 0) this.#answer()
  }

  /** The index of the next sequence to start; undefined when all are started, or none is wanted any more. */
  get next(): number | undefined {
    return this.#stage === 'settled' || this.#numStarted === this.sequences.length ? undefined : this.#numStarted
  }

  /** The next sequence goes into a batch. */
  start(): void {
    if (this.#stage === 'waiting') {
      this.#started = performance.now()
      this.#enter('running')
    }
    this.#waitLess(this.sequences[this.#numStarted++]!.ids.length)
  }

  /** What became of one sequence; the first that failed fails the task. */
  settle(index: number, outcome: PooledRows | QvlError): void {
    if (outcome instanceof QvlError) this.fail(outcome)
    if (this.#stage === 'settled' || outcome instanceof QvlError) return
    this.#rows[index] = outcome
    if (--this.#numLeft === 0) this.#answer()
  }

  /** The whole task fails, and its other sequences need not run. */
  fail(error: unknown): void {
    if (this.#stage === 'settled') return
    this.#reject(error)
    this.#end()
  }

  /** Called at once for a task that is settled already. */
  onSettled(listener: () => void): void {
    if (this.#stage === 'settled') listener()
    else this.#whenSettled = listener
  }

  #answer(): void {
    const timing = { queueMs: this.#started - this.#submitted, runMs: performance.now() - this.#started }
    this.#resolve({ rows: this.#rows.map((rows) => rows!), timing })
    this.#end()
  }

  #end(): void {
    this.#waitLess(this.#waitingTokens)
    this.#enter('settled')
    this.#whenSettled()
  }

  #enter(stage: Stage): void {
    if (this.#stage === 'waiting') this.#load.waitingTasks--
    if (this.#stage === 'running') this.#load.runningTasks--
    if (stage === 'running') this.#load.runningTasks++
    this.#stage = stage
  }

  #waitLess(tokens: number): void {
    this.#waitingTokens -= tokens
    this.#load.waitingTokens -= tokens
  }
}
