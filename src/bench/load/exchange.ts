// One request and its answer, with the times that count.

import type { Dispatcher } from 'undici'
import { type AnswerHeaders, type AnswerTokens, readAnswer } from './answer.js'
import { connectionFailure, type Failure, maxMessageBytes, notJson, refusal, timedOut } from './failures.js'

/** Called once, when the answer is whole or will not come. */
export type OnEnd = (exchange: Exchange) => void

const givenUp = new Error('The request was given up.')

/** A handler of undici: the cheapest way to hear when the head of an answer comes. Times are of performance.now(). */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly sentAt = performance.now()
  /** The head of the answer, where vLLM stops its watch. */
  headersAt = Number.NaN
  /** The last byte. */
  endAt = Number.NaN
  tokens: AnswerTokens | undefined
  failure: Failure | undefined
  #ended = false
  #status = 0
  #reason = ''
  #headers: AnswerHeaders = {}
  #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  readonly #timer: NodeJS.Timeout

  constructor(
    /** Number of the request in the run. */
    readonly index: number,
    timeoutMs: number,
    readonly onEnd: OnEnd,
  ) {
    this.#timer = setTimeout(expire, timeoutMs, this)
  }

  /** Ends it as failed; what still comes is thrown away. */
  giveUp(failure: Failure): void {
    this.#end(failure)
    this.#controller?.abort(givenUp)
  }

  /** Ends it without a word to the caller. */
  drop(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#controller?.abort(givenUp)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended) controller.abort(givenUp)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: AnswerHeaders,
    reason?: string,
  ): void {
    // Informational heads may come before the one that counts.
    if (status < 200) return
    this.headersAt = performance.now()
    this.#status = status
    this.#headers = headers
    this.#reason = reason ?? ''
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#ended) return
    this.endAt = performance.now()
    if (this.#status !== 200) {
      this.#end(this.#refusal())
      return
    }
    this.tokens = readAnswer(this.#headers, this.#chunks)
    this.#end(this.tokens === undefined ? notJson : undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(connectionFailure(error, this.#status !== 0))
  }

  #refusal(): Failure {
    const { 'retry-after': retryAfter } = this.#headers
    const body = Buffer.concat(this.#chunks).toString('utf8', 0, 16 * maxMessageBytes)
    return refusal(this.#status, this.#reason, typeof retryAfter === 'string' ? retryAfter : undefined, body)
  }

  #end(failure: Failure | undefined): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    if (Number.isNaN(this.endAt)) this.endAt = performance.now()
    this.failure = failure
    this.#chunks = []
    this.onEnd(this)
  }
}

/** One function for all timers. */
function expire(exchange: Exchange): void {
  exchange.giveUp(timedOut)
}
