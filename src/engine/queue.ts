// The queue: sequences wait in order, batches are formed from its head by token budget, one batch runs at a time.

import type { LoadedProgram } from '../devices/device.js'
import { QvlError } from '../errors.js'
import type { Model } from '../models/model.js'
import type { ProgramOutputs } from '../program/program.js'
import { PrefixTree } from './prefix-tree.js'

export interface QueueOptions {
  /** Rows computed in one batch; a longer sequence runs alone. */
  maxNumBatchedTokens: number
  /** Sequences in one batch. */
  maxNumSeqs: number
  /** Compute a prefix that sequences of a batch have in common once; only causal models can. */
  sharePrefixes: boolean
}

/** What one sequence gives back. */
export interface PooledRow {
  /** [hidden], after the final norm. */
  hidden: Float32Array
  /** [labels]; empty without a head. */
  logits: Float32Array
  /** Tokens that an earlier sequence of the batch had already paid for. */
  sharedTokens: number
}

/** Whether work that has not started is still wanted; an AbortSignal is one. */
export interface Cancellation {
  readonly aborted: boolean
  readonly reason: unknown
}

interface Entry {
  ids: Int32Array
  cancellation: Cancellation
  resolve(row: PooledRow): void
  reject(error: unknown): void
}

/** The entries of one batch, packed into a tree; `sharedTokens` per entry. */
interface Batch {
  entries: Entry[]
  tree: PrefixTree
  sharedTokens: number[]
}

export class Queue {
  /** Rows computed so far, shared prefixes once, and tokens asked for. */
  readonly counters = { computedTokens: 0, promptTokens: 0 }
  readonly #waiting: Entry[] = []
  readonly #model: Model
  readonly #device: Pick<LoadedProgram, 'run'>
  readonly #options: QueueOptions
  #running: Promise<void> | undefined

  constructor(model: Model, device: Pick<LoadedProgram, 'run'>, options: QueueOptions) {
    this.#model = model
    this.#device = device
    this.#options = options
  }

  /** Queue sequences in one step. Those that have not started when they are cancelled are rejected. */
  enqueue(sequences: readonly Int32Array[], cancellation: Cancellation): Promise<PooledRow>[] {
    const rows = sequences.map(
      (ids) => new Promise<PooledRow>((resolve, reject) => this.#waiting.push({ ids, cancellation, resolve, reject })),
    )
    this.#running ??= this.#run()
    return rows
  }

  /** Resolves when nothing is left to run. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** One batch is packed and handed to the device while the one before it runs. */
  async #run(): Promise<void> {
    // Everything that is queued in the same turn belongs to the same first batch.
    await Promise.resolve()
    let ahead = this.#start()
    while (ahead !== undefined) {
      const running = ahead
      ahead = this.#start()
      await running
      ahead ??= this.#start()
    }
    this.#running = undefined
  }

  /** Start the next batch; the promise resolves when its entries are answered, and never rejects. */
  #start(): Promise<void> | undefined {
    const batch = this.#take()
    if (batch.entries.length === 0) return undefined
    this.counters.computedTokens += batch.tree.rows
    for (const { ids } of batch.entries) this.counters.promptTokens += ids.length
    return this.#answer(batch)
  }

  async #answer({ entries, tree, sharedTokens }: Batch): Promise<void> {
    try {
      const outputs = await this.#device.run(this.#model.inputs(tree.pack()))
      entries.forEach((entry, index) => {
        const row = pooledRow(outputs, index, sharedTokens[index]!)
        if (row instanceof QvlError) entry.reject(row)
        else entry.resolve(row)
      })
    } catch (error) {
      for (const entry of entries) entry.reject(error)
    }
  }

  /** Entries from the head of the queue, in order, until one does not fit. */
  #take(): Batch {
    const { maxNumBatchedTokens, maxNumSeqs, sharePrefixes } = this.#options
    const tree = new PrefixTree({ share: this.#model.causal && sharePrefixes })
    const entries: Entry[] = []
    const sharedTokens: number[] = []
    let taken = 0
    for (const entry of this.#waiting) {
      if (entry.cancellation.aborted) {
        entry.reject(entry.cancellation.reason)
        taken++
        continue
      }
      const rows = tree.rows + entry.ids.length - tree.sharedTokens(entry.ids)
      const full = rows > maxNumBatchedTokens || entries.length === maxNumSeqs
      if (full && entries.length > 0) break
      sharedTokens.push(tree.add(entry.ids))
      entries.push(entry)
      taken++
    }
    this.#waiting.splice(0, taken)
    return { entries, tree, sharedTokens }
  }
}

/** A NaN must never leave as a score; the engine then looks for the tensor that caused it. */
function pooledRow(outputs: ProgramOutputs, index: number, sharedTokens: number): PooledRow | QvlError {
  const hidden = outputRow(outputs, 'hidden', index)
  const logits = outputRow(outputs, 'logits', index)
  if (hidden.every(Number.isFinite) && logits.every(Number.isFinite)) return { hidden, logits, sharedTokens }
  return new QvlError('RESULT_NOT_FINITE', { what: 'The model computed a value that is not a number.' })
}

function outputRow(outputs: ProgramOutputs, name: string, index: number): Float32Array {
  const output = outputs[name]
  if (output === undefined) return new Float32Array(0)
  return output.data.slice(index * output.width, (index + 1) * output.width)
}
