// How many tokens a second are answered, over the last batches.

/** Weight of a batch against the one after it: the last ten or so count. */
const decay = 0.8

export class TokenRate {
  #tokens = 0
  #seconds = 0

  add(tokens: number, seconds: number): void {
    this.#tokens = this.#tokens * decay + tokens
    this.#seconds = this.#seconds * decay + seconds
  }

  /** 0 before the first batch. */
  get perSecond(): number {
    return this.#seconds > 0 ? this.#tokens / this.#seconds : 0
  }
}
