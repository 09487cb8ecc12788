// One batch: sequences are taken in while they fit, then packed into rows.

import type { PrefixCache } from './prefix-cache.js'
import { type PackedTree, PrefixTree, type TreeSequence } from './prefix-tree.js'

export interface BatchLimits {
  /** Rows computed in one batch; a longer sequence runs alone. */
  maxNumBatchedTokens: number
  /** Sequences in one batch. */
  maxNumSeqs: number
}

export interface BatchOptions {
  limits: BatchLimits
  /** Compute a prefix that sequences have in common once; only causal models can. */
  share: boolean
  /** Also use what earlier batches computed, and keep what later ones may use. */
  cache?: PrefixCache | undefined
}

/** What goes to the device, and what to know when it comes back. */
export interface PackedBatch {
  sequences: readonly TreeSequence[]
  rows: PackedTree
  /** Of each sequence, the tokens that are computed for another one, or were. */
  sharedTokens: readonly number[]
  promptTokens: number
  computedTokens: number
  /** Prefixes that the device is to keep, and those that it kept before and this batch builds on. */
  toKeep: readonly number[]
  kept: readonly number[]
}

export class Batch {
  readonly #options: BatchOptions
  readonly #tree: PrefixTree
  readonly #sequences: TreeSequence[] = []
  readonly #sharedTokens: number[] = []
  #promptTokens = 0

  constructor(options: BatchOptions) {
    this.#options = options
    this.#tree = new PrefixTree(options)
    options.cache?.beginBatch()
  }

  /** Takes a sequence in and answers how many rows it adds; undefined when there is no room for it. */
  add(sequence: TreeSequence): number | undefined {
    const { limits, cache } = this.#options
    const { pool, visual, cacheSalt } = sequence
    const ids = visual?.keys ?? sequence.ids
    // A row that is pooled has to be computed: the last one here, or those from the first.
    const base = pool === 'last' ? cache?.find(ids, ids.length - 1, cacheSalt) : undefined
    const place = this.#tree.find(ids, base, cacheSalt)
    const rows = this.#tree.rows + ids.length - place.matched
    const isFull = rows > limits.maxNumBatchedTokens || this.#sequences.length >= limits.maxNumSeqs
    if (isFull && this.#sequences.length > 0) return undefined
    this.#sharedTokens.push(this.#tree.insert(place, cache === undefined ? { ...sequence, prefixTokens: 0 } : sequence))
    this.#sequences.push(sequence)
    this.#promptTokens += ids.length
    return ids.length - place.matched
  }

  get isEmpty(): boolean {
    return this.#sequences.length === 0
  }

  /** Promises prefixes to the cache, so the batch has to go to the device at once, or be dropped from the cache. */
  pack(): PackedBatch {
    const rows = this.#tree.pack(this.#options.cache)
    const numbers = (name: 'keep' | 'kept') => rows.spans.flatMap((span) => span[name] ?? [])
    return {
      sequences: this.#sequences,
      rows,
      sharedTokens: this.#sharedTokens,
      promptTokens: this.#promptTokens,
      computedTokens: this.#tree.rows,
      toKeep: numbers('keep'),
      kept: numbers('kept'),
    }
  }
}
