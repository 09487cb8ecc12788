// A number of places for work that takes memory: what finds none waits, first come first served.

export class Places {
  #numFree: number
  readonly #waiting: (() => void)[] = []

  constructor(numPlaces: number) {
    this.#numFree = numPlaces
  }

  /** Work for which nobody waits any more is not begun. Throws the signal's reason. */
  async take<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    if (this.#numFree > 0) this.#numFree--
    else await new Promise<void>((begin) => this.#waiting.push(begin))
    try {
      signal?.throwIfAborted()
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#numFree++
      else next()
    }
  }
}
