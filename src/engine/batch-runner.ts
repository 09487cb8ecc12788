// Runs batches on the device. A batch that fails is taken apart until the item that cannot be computed stands alone; one
// whose device was lost fails as a whole.

import type { LoadedProgram } from '../devices/device.js'
import { isLost } from '../devices/lost.js'
import { asQvlError, QvlError } from '../errors.js'
import type { Model } from '../models/model.js'
import type { PooledRows } from './answers.js'
import { Batch, type PackedBatch } from './batch.js'
import { pooledRows } from './pooled-rows.js'
import type { PrefixCache } from './prefix-cache.js'
import type { TreeSequence } from './prefix-tree.js'
import { gatherFeatures } from './visual-rows.js'

/** What became of one sequence. */
export type Outcome = PooledRows | QvlError

export interface RunnerOptions {
  model: Model
  device: Pick<LoadedProgram, 'run'>
  /** Whether halves of a batch share prefixes. */
  share: boolean
  cache: PrefixCache | undefined
  /** Told when memory ran out. */
  onOutOfMemory: () => void
}

/**
 * Runs that one failed batch may cost. One item among a thousand is found in 20; a device that computes nothing any more is
 * given up soon.
 */
const maxRetries = 64

export class BatchRunner {
  readonly #options: RunnerOptions
  /** The last batch that waits for its image features. */
  #gathering: Promise<unknown> | undefined

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /** The device has the batch when this returns. One outcome for each sequence; never rejects. */
  async run(batch: PackedBatch): Promise<{ outcomes: readonly Outcome[]; failed: boolean }> {
    const { cache } = this.#options
    try {
      const outcomes = await this.#attempt(batch)
      // A prefix with such a row would spoil the answers that build on it.
      if (outcomes.some((outcome) => outcome instanceof QvlError)) cache?.drop(batch.toKeep)
      return { outcomes, failed: false }
    } catch (error) {
      // What it builds on may be what the device stumbled over.
      cache?.drop([...batch.toKeep, ...batch.kept])
      const retries = { left: maxRetries }
      const outcomes = await this.#isolate(batch.sequences, { error, sure: batch.kept.length === 0, retries })
      return { outcomes, failed: true }
    }
  }

  async #attempt({ rows, sequences, sharedTokens }: PackedBatch): Promise<Outcome[]> {
    const { model, device } = this.#options
    const isPlain = rows.features.length === 0 && this.#gathering === undefined
    const visual = isPlain ? undefined : await this.#inTurn(gatherFeatures(rows.features, model.hidden))
    const inputs = model.inputs({ ...rows, ...(visual && { visual }) })
    return await pooledRows(await device.run(inputs), sequences, sharedTokens)
  }

  /** Batches reach the device in order: a later one may build on prefixes that an earlier one keeps. */
  async #inTurn<Result>(work: Promise<Result>): Promise<Result> {
    const turn = Promise.all([work, this.#gathering]).then(([result]) => result)
    this.#gathering = turn
    const result = await turn
    if (this.#gathering === turn) this.#gathering = undefined
    return result
  }

  /** Halves of what failed, without kept prefixes. `sure` means that a sequence which failed alone failed by itself. */
  async #isolate(sequences: readonly TreeSequence[], failure: Failure): Promise<Outcome[]> {
    const { error } = failure
    // No item is to blame, and there is nothing to try them on.
    if (isLost(error)) return sequences.map(() => error)
    if (isOutOfMemory(error)) this.#options.onOutOfMemory()
    if (sequences.length === 1 && failure.sure) return [isTooLong(error) ? error : itemFailed(error)]
    const outcomes: Outcome[] = []
    for (const half of halves(sequences)) outcomes.push(...(await this.#retry(half, failure)))
    return outcomes
  }

  async #retry(sequences: readonly TreeSequence[], { error, retries }: Failure): Promise<Outcome[]> {
    if (retries.left-- <= 0) return sequences.map(() => asQvlError(error))
    try {
      return await this.#attempt(this.#pack(sequences))
    } catch (again) {
      return this.#isolate(sequences, { error: again, sure: true, retries })
    }
  }

  #pack(sequences: readonly TreeSequence[]): PackedBatch {
    const { share } = this.#options
    const limits = { maxNumBatchedTokens: Number.POSITIVE_INFINITY, maxNumSeqs: Number.POSITIVE_INFINITY }
    const batch = new Batch({ limits, share })
    for (const sequence of sequences) batch.add(sequence)
    return batch.pack()
  }
}

interface Failure {
  error: unknown
  sure: boolean
  retries: { left: number }
}

function halves<Item>(items: readonly Item[]): (readonly Item[])[] {
  if (items.length === 1) return [items]
  const middle = Math.ceil(items.length / 2)
  return [items.slice(0, middle), items.slice(middle)]
}

const isOutOfMemory = (error: unknown): boolean => error instanceof QvlError && error.code === 'DEVICE_OUT_OF_MEMORY'

/** Of a device that is made for sequences up to some length. */
const isTooLong = (error: unknown): error is QvlError => error instanceof QvlError && error.code === 'INPUT_TOO_LONG'

function itemFailed(cause: unknown): QvlError {
  return new QvlError('ENGINE_ITEM_FAILED', {
    what: 'This item could not be computed.',
    why: isOutOfMemory(cause) ? 'Memory ran out, even for it alone.' : 'The device failed on it, and on it alone.',
    do: isOutOfMemory(cause) ? 'Send a shorter text, or lower --max-model-len.' : 'Report it, with the item.',
    cause,
  })
}
