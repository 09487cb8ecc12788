// What is known of each request of a run, in columns: a million requests must not cost a million objects.

import type { Exchange } from './exchange.js'
import type { Failure } from './failures.js'

const numRecent = 512

/** What is kept of an exchange. */
export type Ended = Pick<Exchange, 'index' | 'sentAt' | 'headersAt' | 'endAt' | 'tokens' | 'failure'>

export class Records {
  /** Milliseconds after the start of the run, like the two below. NaN: not sent. */
  readonly sentAt: Float64Array
  /** The head of the answer. */
  readonly headersAt: Float64Array
  /** The last byte, or the failure. NaN: not over. */
  readonly endAt: Float64Array
  /** Tokens of the prompt, as the server counts. */
  readonly tokens: Float64Array
  /** Of those, tokens found in the server's cache. NaN: the server does not say. */
  readonly cachedTokens: Float64Array
  /** Sparse: the failed requests. */
  readonly failures: (Failure | undefined)[] = []
  /** The latest latencies in milliseconds, as a ring. */
  readonly #recent = new Float64Array(numRecent)
  numSent = 0
  numCompleted = 0
  numFailed = 0
  totalTokens = 0

  constructor(readonly numRequests: number) {
    this.sentAt = new Float64Array(numRequests).fill(Number.NaN)
    this.headersAt = new Float64Array(numRequests).fill(Number.NaN)
    this.endAt = new Float64Array(numRequests).fill(Number.NaN)
    this.tokens = new Float64Array(numRequests)
    this.cachedTokens = new Float64Array(numRequests).fill(Number.NaN)
  }

  /** `start` on the clock of the exchange. */
  add({ index, sentAt, headersAt, endAt, tokens, failure }: Ended, start: number): void {
    this.sentAt[index] = sentAt - start
    this.headersAt[index] = headersAt - start
    this.endAt[index] = endAt - start
    if (failure !== undefined) {
      this.failures[index] = failure
      this.numFailed++
      return
    }
    this.numCompleted++
    this.tokens[index] = tokens?.prompt ?? 0
    this.cachedTokens[index] = tokens?.cached ?? Number.NaN
    this.totalTokens += tokens?.prompt ?? 0
    this.#recent[this.numCompleted % numRecent] = headersAt - sentAt
  }

  /** Of the latest completed requests, ascending, for a view of a run that is under way. */
  recentLatencies(): Float64Array {
    return this.numCompleted < numRecent
      ? this.#recent.slice(1, this.numCompleted + 1).sort()
      : this.#recent.slice().sort()
  }

  get numEnded(): number {
    return this.numCompleted + this.numFailed
  }

  get numRunning(): number {
    return this.numSent - this.numEnded
  }

  isCompleted(index: number): boolean {
    return !Number.isNaN(this.endAt[index]!) && this.failures[index] === undefined
  }

  /** Milliseconds from send to the head of the answer (vLLM's latency) of the completed requests, in order. */
  latencies(): Float64Array {
    return this.#ofCompleted((index) => this.headersAt[index]! - this.sentAt[index]!)
  }

  /** Milliseconds from send to the last byte. */
  wholeLatencies(): Float64Array {
    return this.#ofCompleted((index) => this.endAt[index]! - this.sentAt[index]!)
  }

  #ofCompleted(value: (index: number) => number): Float64Array {
    const values = new Float64Array(this.numCompleted)
    let count = 0
    for (let index = 0; index < this.numRequests; index++) {
      if (this.isCompleted(index)) values[count++] = value(index)
    }
    return values
  }
}
