// The queue: the one owner of what waits. It forms batches of requests in turn, and keeps the device busy with them.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LoadedProgram } from '../devices/device.js'
import type { Model } from '../models/model.js'
import { Batch, type BatchLimits } from './batch.js'
import { BatchRunner, type Outcome } from './batch-runner.js'
import { FairQueue } from './fair-queue.js'
import { numbersPerTurn } from './pooled-rows.js'
import { PrefixCache } from './prefix-cache.js'
import type { TreeSequence } from './prefix-tree.js'
import type { BatchReport, EngineLoad, PrefixCacheReport, SubmitOptions } from './requests.js'
import { type Piece, Submission } from './submission.js'
import { type Computed, TaskRun } from './task-run.js'
import { TokenRate } from './token-rate.js'

export interface QueueOptions extends BatchLimits {
  /** Compute a prefix that sequences of a batch have in common once; only causal models can. */
  sharePrefixes: boolean
  /** Memory for prefixes kept from batch to batch, where the device can keep them (default 0: none). */
  prefixCacheBytes?: number
  /** Serve lower priorities first (default: priorities are not looked at). */
  byPriority?: boolean
  warn?: (message: string) => void
  onBatch?: ((report: BatchReport) => void) | undefined
}

/** What the queue needs to know of a device. */
export type QueuedDevice = Pick<LoadedProgram, 'run' | 'keptSpans' | 'wholeSequences' | 'numLanes'>

/** A turn of a request takes this part of a batch. */
const turnsPerBatch = 4

/** One is computed, and the next is packed and handed over. */
const batchesPerLane = 2

export class Queue {
  /** Rows computed so far, shared prefixes once, and tokens asked for. */
  readonly counters = { computedTokens: 0, promptTokens: 0 }
  readonly #options: QueueOptions
  readonly #runner: BatchRunner
  readonly #share: boolean
  readonly #numLanes: number
  readonly #cache: PrefixCache | undefined
  readonly #waiting: FairQueue<Piece>
  readonly #load = { waitingTasks: 0, runningTasks: 0, waitingTokens: 0 }
  readonly #rate = new TokenRate()
  #maxNumBatchedTokens: number
  #hasRunOutOfMemory = false
  #runningTokens = 0
  #lastEnd = 0
  #running: Promise<void> | undefined
  #wake: () => void = () => {}

  constructor(model: Model, device: QueuedDevice, options: QueueOptions) {
    this.#options = options
    this.#maxNumBatchedTokens = options.maxNumBatchedTokens
    this.#share = model.causal && options.sharePrefixes && device.wholeSequences !== true
    this.#numLanes = device.numLanes ?? 1
    this.#waiting = new FairQueue(Math.ceil(options.maxNumBatchedTokens / turnsPerBatch))
    const { prefixCacheBytes = 0 } = options
    if (this.#share && device.keptSpans !== undefined && prefixCacheBytes > 0) {
      this.#cache = new PrefixCache(device.keptSpans, prefixCacheBytes)
    }
    const onOutOfMemory = () => this.#halveBudget()
    this.#runner = new BatchRunner({ model, device, share: this.#share, cache: this.#cache, onOutOfMemory })
  }

  /**
   * Queue the sequences of several tasks in one step. Once the signal is aborted, what has not started leaves the queue and
   * every task that is not answered rejects with the signal's reason.
   */
  enqueue(tasks: readonly (readonly TreeSequence[])[], options: SubmitOptions = {}): Promise<Computed>[] {
    const { signal, cacheSalt } = options
    const salted = (sequences: readonly TreeSequence[]): readonly TreeSequence[] =>
      cacheSalt === undefined ? sequences : sequences.map((sequence) => ({ ...sequence, cacheSalt }))
    const runs = tasks.map((sequences) => new TaskRun(salted(sequences), this.#load))
    if (signal?.aborted) for (const run of runs) run.fail(signal.reason)
    // Of no tasks at all none would be the last, and the signal would keep its listener.
    else if (runs.length > 0) this.#submit(runs, options)
    return runs.map(({ done }) => done)
  }

  load(): EngineLoad {
    return { ...this.#load, runningTokens: this.#runningTokens, tokensPerSecond: this.#rate.perSecond }
  }

  prefixCache(): PrefixCacheReport {
    const { promptTokens, computedTokens } = this.counters
    return {
      queriedTokens: this.#share ? promptTokens : 0,
      hitTokens: promptTokens - computedTokens,
      usedBytes: this.#cache?.usedBytes ?? 0,
      maxBytes: this.#cache?.maxBytes ?? 0,
    }
  }

  /** Resolves when nothing is left to run. */
  async idle(): Promise<void> {
    await this.#running
  }

  #submit(runs: readonly TaskRun[], { signal, priority = 0 }: SubmitOptions): void {
    const submission = new Submission(runs, this.#options.byPriority ? priority : 0)
    this.#waiting.add(submission)
    const stop = () => {
      this.#waiting.remove(submission)
      for (const run of runs) run.fail(signal?.reason)
    }
    signal?.addEventListener('abort', stop, { once: true })
    let numLeft = runs.length
    for (const run of runs) {
      run.onSettled(() => {
        if (--numLeft === 0) signal?.removeEventListener('abort', stop)
      })
    }
    this.#wake()
    this.#running ??= this.#run()
  }

  /** On each lane of the device, one batch is packed and handed over while the one before it runs. */
  async #run(): Promise<void> {
    // Everything that is queued in the same turn belongs to the same first batch.
    await Promise.resolve()
    const running = new Set<Promise<void>>()
    for (;;) {
      const batch = running.size < batchesPerLane * this.#numLanes ? this.#start() : undefined
      if (batch === undefined) {
        if (running.size === 0) break
        await Promise.race(running.size < this.#numLanes ? [...running, this.#submitted()] : running)
        continue
      }
      const answered = batch.then(() => void running.delete(answered))
      running.add(answered)
      // Packing the batches of many devices takes a while.
      if (running.size >= batchesPerLane && running.size < batchesPerLane * this.#numLanes) await nextTurn()
    }
    this.#running = undefined
  }

  /** Resolves when more is queued: a lane that has nothing to do starts at once. */
  #submitted(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Start the next batch; the promise resolves when its sequences are answered, and never rejects. */
  #start(): Promise<void> | undefined {
    const { maxNumSeqs } = this.#options
    const limits = { maxNumBatchedTokens: this.#maxNumBatchedTokens, maxNumSeqs }
    const batch = new Batch({ limits, share: this.#share, cache: this.#cache })
    const pieces: Piece[] = []
    this.#waiting.take((piece) => {
      const cost = batch.add(piece.task.sequences[piece.index]!)
      if (cost !== undefined) pieces.push(piece)
      return cost
    })
    return pieces.length === 0 ? undefined : this.#answer(batch, pieces)
  }

  async #answer(batch: Batch, pieces: readonly Piece[]): Promise<void> {
    const packed = batch.pack()
    const { promptTokens, computedTokens } = packed
    this.counters.computedTokens += computedTokens
    this.counters.promptTokens += promptTokens
    this.#runningTokens += promptTokens
    const started = performance.now()
    const { outcomes, failed } = await this.#runner.run(packed)
    this.#runningTokens -= promptTokens
    // A batch that was handed over while another ran began when that one ended. With several lanes this is the time from
    // end to end, of which the rate is made.
    const seconds = (performance.now() - Math.max(started, this.#lastEnd)) / 1000
    this.#lastEnd = performance.now()
    this.#rate.add(promptTokens, seconds)
    await settle(pieces, outcomes)
    this.#options.onBatch?.({ sequences: pieces.length, promptTokens, computedTokens, seconds, failed })
  }

  #halveBudget(): void {
    if (this.#hasRunOutOfMemory) return
    this.#hasRunOutOfMemory = true
    const before = this.#maxNumBatchedTokens
    this.#maxNumBatchedTokens = Math.max(1, Math.floor(before / 2))
    this.#options.warn?.(
      `Memory ran out in a batch of up to ${before} tokens. Batches have up to ${this.#maxNumBatchedTokens} tokens from ` +
        `now on; start with --max-num-batched-tokens ${this.#maxNumBatchedTokens} to avoid this.`,
    )
  }
}

/** A task that is settled makes its answer before the next turn. */
async function settle(pieces: readonly Piece[], outcomes: readonly Outcome[]): Promise<void> {
  let numbers = 0
  for (const [at, { task, index }] of pieces.entries()) {
    const outcome = outcomes[at]!
    task.settle(index, outcome)
    if ('hidden' in outcome) numbers += outcome.hidden.length
    if (numbers < numbersPerTurn) continue
    numbers = 0
    await nextTurn()
  }
}
