// The merges of a byte-pair encoding: which two tokens join, in which order, into what.

const noRank = 0x7fffffff
/** Slots per merge, as a power of two: a table at most half full keeps probes short. */
const minSlotsPerMerge = 2
/** Numbers per slot: left, right, rank, merged. */
const slotSize = 4
/** Above this many symbols a queue finds the next merge; below it a scan is faster. */
const maxScannedSymbols = 96

/** An open-addressing table from a pair of ids to its rank and merged id. */
export class BpeMerges {
  private readonly slots: Int32Array
  private readonly mask: number
  private readonly ranks = new Int32Array(maxScannedSymbols)

  constructor(numMerges: number) {
    let size = 16
    while (size < numMerges * minSlotsPerMerge) size *= 2
    this.mask = size - 1
    this.slots = new Int32Array(size * slotSize).fill(-1)
  }

  /** False when the pair is already there. */
  add(left: number, right: number, rank: number, merged: number): boolean {
    const at = this.slot(left, right)
    if (this.slots[at] !== -1) return false
    this.slots.set([left, right, rank, merged], at)
    return true
  }

  /** Merges the first `count` ids in place, lowest rank first and leftmost among equals; returns how many are left. */
  apply(ids: Int32Array, count: number): number {
    return count <= maxScannedSymbols ? this.applyByScan(ids, count) : this.applyByQueue(ids, count)
  }

  private applyByScan(ids: Int32Array, count: number): number {
    const { ranks } = this
    let left = count
    for (let i = 0; i + 1 < left; i++) ranks[i] = this.rankAt(ids, i, i + 1)
    for (;;) {
      let best = noRank
      let at = -1
      for (let i = 0; i + 1 < left; i++) {
        const rank = ranks[i] ?? noRank
        if (rank < best) {
          best = rank
          at = i
        }
      }
      if (at < 0) return left
      ids[at] = this.mergedAt(ids, at, at + 1)
      ids.copyWithin(at + 1, at + 2, left)
      ranks.copyWithin(at + 1, at + 2, left)
      left--
      if (at > 0) ranks[at - 1] = this.rankAt(ids, at - 1, at)
      if (at + 1 < left) ranks[at] = this.rankAt(ids, at, at + 1)
    }
  }

  /** As the scan, over a linked list and a queue, so that a single piece of megabytes takes seconds at most. */
  private applyByQueue(ids: Int32Array, count: number): number {
    const next = new Int32Array(count)
    const previous = new Int32Array(count)
    for (let i = 0; i < count; i++) {
      next[i] = i + 1 < count ? i + 1 : -1
      previous[i] = i - 1
    }
    const queue = new MergeQueue()
    const offer = (at: number, then: number) => {
      if (at < 0 || then < 0) return
      const rank = this.rankAt(ids, at, then)
      if (rank !== noRank) queue.push(rank, at)
    }
    for (let i = 0; i + 1 < count; i++) offer(i, i + 1)
    for (let at = queue.take(); at >= 0; at = queue.take()) {
      const then = next[at] ?? -1
      // Either symbol may have been merged with another since this pair was offered.
      if (ids[at] === -1 || then < 0 || this.rankAt(ids, at, then) !== queue.rank) continue
      ids[at] = this.mergedAt(ids, at, then)
      ids[then] = -1
      const after = next[then] ?? -1
      next[at] = after
      if (after >= 0) previous[after] = at
      offer(previous[at] ?? -1, at)
      offer(at, after)
    }
    let left = 0
    for (let i = 0; i >= 0; i = next[i] ?? -1) ids[left++] = ids[i] ?? 0
    return left
  }

  private rankAt(ids: Int32Array, first: number, second: number): number {
    const at = this.slot(ids[first] ?? 0, ids[second] ?? 0)
    return this.slots[at] === -1 ? noRank : (this.slots[at + 2] ?? noRank)
  }

  private mergedAt(ids: Int32Array, first: number, second: number): number {
    return this.slots[this.slot(ids[first] ?? 0, ids[second] ?? 0) + 3] ?? 0
  }

  /** The slot of a pair, or the empty slot where it belongs. */
  private slot(left: number, right: number): number {
    const { slots, mask } = this
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
    hash ^= hash >>> 15
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const at = i * slotSize
      const found = slots[at]
      if (found === -1 || (found === left && slots[at + 1] === right)) return at
    }
  }
}

/** The positions that wait for the merge of one rank; those before `taken` are done. */
interface Waiting {
  positions: number[]
  taken: number
  sorted: boolean
}

/** Positions by rank, lowest rank first and leftmost among equals. A heap holds each waiting rank once. */
class MergeQueue {
  /** Rank of the position taken last. */
  rank = noRank
  private readonly waiting = new Map<number, Waiting>()
  private readonly heap: number[] = []

  push(rank: number, position: number): void {
    const list = this.waiting.get(rank)
    if (list === undefined) {
      this.waiting.set(rank, { positions: [position], taken: 0, sorted: true })
      this.addRank(rank)
      return
    }
    if (position < (list.positions.at(-1) ?? 0)) list.sorted = false
    list.positions.push(position)
  }

  /** The next position, or -1. */
  take(): number {
    for (let rank = this.heap[0]; rank !== undefined; rank = this.heap[0]) {
      const position = this.takeFrom(rank)
      if (position >= 0) {
        this.rank = rank
        return position
      }
      this.waiting.delete(rank)
      this.removeFirstRank()
    }
    return -1
  }

  private takeFrom(rank: number): number {
    const list = this.waiting.get(rank)
    if (list === undefined) return -1
    if (!list.sorted) {
      list.positions = Array.from(Int32Array.from(list.positions.slice(list.taken)).sort())
      list.taken = 0
      list.sorted = true
    }
    return list.positions[list.taken++] ?? -1
  }

  private addRank(rank: number): void {
    const { heap } = this
    let at = heap.push(rank) - 1
    for (let parent = (at - 1) >> 1; at > 0 && (heap[parent] ?? 0) > rank; parent = (at - 1) >> 1) {
      heap[at] = heap[parent] ?? 0
      at = parent
    }
    heap[at] = rank
  }

  private removeFirstRank(): void {
    const { heap } = this
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if ((heap[child + 1] ?? noRank) < (heap[child] ?? noRank)) child++
      const below = heap[child] ?? noRank
      if (below >= last) break
      heap[at] = below
      at = child
    }
    heap[at] = last
  }
}
