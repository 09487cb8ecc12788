// Who is served next: requests take turns, each for a share of a batch, so that neither a long one nor many short ones
// hold up the others.

/** A request's items, in order. */
export interface Flow<Item> {
  /** The next item, undefined when there are no more. */
  peek(): Item | undefined
  /** Take it away. */
  shift(): void
  /** Lower is served first. */
  readonly priority: number
}

/** Answers what an item costs, or undefined when there is no room for it. */
export type Offer<Item> = (item: Item) => number | undefined

interface Entry<Item> {
  flow: Flow<Item>
  /** What it may still take in its turn; below zero after an item that cost more. */
  credit: number
}

/**
 * Deficit round robin (Shreedhar and Varghese, 1995), where a request that was never served goes before the others, but
 * gets at most every second turn: a short one is answered soon, and a stream of short ones stops nobody.
 * What is served depends only on what was added and taken, in which order.
 */
export class FairQueue<Item> {
  readonly #quantum: number
  /** By priority, lowest first. */
  readonly #levels: Level<Item>[] = []

  /** `quantum` is what a turn may cost. */
  constructor(quantum: number) {
    this.#quantum = quantum
  }

  add(flow: Flow<Item>): void {
    const at = this.#levels.findIndex(({ priority }) => priority >= flow.priority)
    const known = at < 0 ? undefined : this.#levels[at]
    if (known?.priority === flow.priority) {
      known.fresh.push({ flow, credit: 0 })
      return
    }
    const level = new Level<Item>(flow.priority)
    level.fresh.push({ flow, credit: 0 })
    this.#levels.splice(at < 0 ? this.#levels.length : at, 0, level)
  }

  remove(flow: Flow<Item>): void {
    for (const [index, level] of this.#levels.entries()) {
      if (level.priority !== flow.priority) continue
      level.remove(flow)
      if (level.isEmpty) this.#levels.splice(index, 1)
      return
    }
  }

  /** Offers items in turn until one is refused or none is left. */
  take(offer: Offer<Item>): void {
    for (let level = this.#levels[0]; level !== undefined; level = this.#levels[0]) {
      if (level.serve(offer, this.#quantum) === 'full') return
      this.#levels.shift()
    }
  }
}

class Level<Item> {
  readonly priority: number
  /** Never served, and served before; each in the order of their turns. */
  readonly fresh: Entry<Item>[] = []
  readonly #served: Entry<Item>[] = []
  /** Whose turn it is. */
  #current: Entry<Item> | undefined
  #lastWasFresh = false

  constructor(priority: number) {
    this.priority = priority
  }

  get isEmpty(): boolean {
    return this.#current === undefined && this.fresh.length === 0 && this.#served.length === 0
  }

  remove(flow: Flow<Item>): void {
    if (this.#current?.flow === flow) this.#current = undefined
    for (const list of [this.fresh, this.#served]) {
      const at = list.findIndex((entry) => entry.flow === flow)
      if (at >= 0) list.splice(at, 1)
    }
  }

  serve(offer: Offer<Item>, quantum: number): 'full' | 'empty' {
    for (;;) {
      this.#current ??= this.#next(quantum)
      const entry = this.#current
      if (entry === undefined) return 'empty'
      const { flow } = entry
      let item = flow.peek()
      for (; item !== undefined && entry.credit > 0; item = flow.peek()) {
        const cost = offer(item)
        // The turn goes on in the next batch.
        if (cost === undefined) return 'full'
        entry.credit -= cost
        flow.shift()
      }
      this.#current = undefined
      if (item !== undefined) this.#served.push(entry)
    }
  }

  /** A turn begins. */
  #next(quantum: number): Entry<Item> | undefined {
    const takeFresh = this.fresh.length > 0 && (this.#served.length === 0 || !this.#lastWasFresh)
    const entry = (takeFresh ? this.fresh : this.#served).shift()
    this.#lastWasFresh = takeFresh
    if (entry !== undefined) entry.credit += quantum
    return entry
  }
}
