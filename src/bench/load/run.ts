// Sends the requests of a run when they are due, whatever became of those before them.

import { maxSendsPerTurn } from '../limits.js'
import type { Exchange } from './exchange.js'
import { Records } from './records.js'
import type { Target } from './target.js'

export interface RunOptions {
  target: Target
  numRequests: number
  /** The body of a request; asked for once. */
  bodyOf(index: number): Buffer | string
  /** [requests] seconds after the start, ascending. */
  due: Float64Array
  /** Requests under way at most. */
  maxConcurrency: number | undefined
  /** Ends the run; requests under way are given up and count neither as completed nor as failed. */
  signal: AbortSignal
}

/** Timers are a millisecond coarse: the last one of a wait goes by in turns of the event loop. */
const coarseMs = 1
/** The longest wait of setTimeout. */
const maxTimerMs = 2 ** 31 - 1

export class LoadRun {
  readonly records: Records
  /** On the clock of performance.now(). */
  #start = 0
  #end = 0
  readonly #options: RunOptions
  readonly #maxRunning: number
  readonly #running = new Set<Exchange>()
  #next = 0
  /** One of them while the next request waits for its time; none while it waits for an answer. */
  #timeout: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #finish: () => void = () => {}

  constructor(options: RunOptions) {
    this.#options = options
    this.#maxRunning = options.maxConcurrency ?? Number.POSITIVE_INFINITY
    this.records = new Records(options.numRequests)
  }

  /** Milliseconds since the start, or to the end once there is one. */
  get elapsedMs(): number {
    return (this.#end === 0 ? performance.now() : this.#end) - this.#start
  }

  /** Resolves when every request is over, or the signal is aborted. */
  async run(): Promise<void> {
    const { signal } = this.#options
    const over = new Promise<void>((resolve) => {
      this.#finish = resolve
    })
    const stop = (): void => this.#finish()
    signal.addEventListener('abort', stop, { once: true })
    this.#start = performance.now()
    if (this.records.numRequests === 0 || signal.aborted) this.#finish()
    else this.#sendDue()
    await over
    this.#end = performance.now()
    signal.removeEventListener('abort', stop)
    clearTimeout(this.#timeout)
    clearImmediate(this.#immediate)
    for (const exchange of this.#running) exchange.drop()
    this.#running.clear()
  }

  readonly #sendDue = (): void => {
    this.#timeout = undefined
    this.#immediate = undefined
    const { due, numRequests } = this.#options
    for (let sends = 0; this.#next < numRequests && this.#running.size < this.#maxRunning; sends++) {
      const waitMs = 1000 * due[this.#next]! - (performance.now() - this.#start)
      if (waitMs > 0 || sends === maxSendsPerTurn) {
        if (waitMs > coarseMs) this.#timeout = setTimeout(this.#sendDue, Math.min(waitMs - coarseMs, maxTimerMs))
        else this.#immediate = setImmediate(this.#sendDue)
        return
      }
      this.#send(this.#next++)
    }
  }

  #send(index: number): void {
    const { target, bodyOf } = this.#options
    this.records.numSent++
    const exchange = target.send(index, bodyOf(index), this.#onEnd)
    if (Number.isNaN(exchange.endAt)) this.#running.add(exchange)
  }

  readonly #onEnd = (exchange: Exchange): void => {
    this.#running.delete(exchange)
    this.records.add(exchange, this.#start)
    if (this.records.numEnded === this.#options.numRequests) this.#finish()
    // A place came free, unless the next request waits for its time.
    else if (this.#timeout === undefined && this.#immediate === undefined) this.#sendDue()
  }
}
