// The replicas together: a call goes to one of them, and to another one when it fails there.

import { setTimeout as sleep } from 'node:timers/promises'
import { QvlError } from '../../errors.js'
import { EitherSignal } from './either-signal.js'
import { allBusy, closed, failedAt, noneReady, notQvl, refused } from './failures.js'
import { HealthWatch } from './health-watch.js'
import {
  defaultTimes,
  type FleetTimes,
  filePatience,
  maxAttempts,
  retryPauseMs,
  type UpstreamOptions,
} from './options.js'
import { Replica } from './replica.js'
import type { Expected } from './served-model.js'
import { WaitingCalls, type Wanted } from './waiting-calls.js'

export interface Call<Answer> extends Pick<Wanted, 'tokens' | 'needsQvl'> {
  path: string
  body: object
  /** Undefined for an answer that is not what was asked for, which counts as a failure of the replica. */
  read(body: unknown): Answer | undefined
}

/** `isBusy`: the replica took nothing, so the call did it no harm. */
type Outcome<Answer> = { answer: Answer } | { failure: QvlError; isBusy: boolean }

export class Fleet implements AsyncDisposable {
  readonly replicas: readonly Replica[]
  readonly #expected: Expected
  readonly #warn: (message: string) => void
  readonly #times: FleetTimes
  readonly #forFiles: boolean
  readonly #closing = new AbortController()
  readonly #waiting: WaitingCalls
  #watches: readonly HealthWatch[] = []

  constructor(options: UpstreamOptions, expected: Expected, warn: (message: string) => void) {
    const { urls, apiKey, forFiles = false } = options
    this.#forFiles = forFiles
    this.#times = { ...defaultTimes, ...(forFiles && { patience: filePatience }), ...options.times }
    this.replicas = urls.map((url) => new Replica(url, { apiKey, times: this.#times }))
    this.#waiting = new WaitingCalls(this.replicas, this.#times.patience)
    this.#expected = expected
    this.#warn = warn
  }

  /** Throws UPSTREAM_UNAVAILABLE when a replica serves something else, or none is ready. */
  async open(): Promise<void> {
    try {
      await Promise.all(this.replicas.map((replica) => replica.probe(this.#expected)))
      if (!this.replicas.some(({ isHealthy }) => isHealthy)) throw noneReady()
    } catch (error) {
      await this.close()
      throw error
    }
    const { signal } = this.#closing
    const intervalMs = this.#times.healthInterval
    this.#watches = this.replicas.map(
      (replica) => new HealthWatch(replica, { intervalMs, look: () => this.#look(replica), signal }),
    )
  }

  /** Sent again elsewhere after a failure of the replica, never after a refusal. Throws UPSTREAM_UNAVAILABLE and the like. */
  async call<Answer>(
    call: Call<Answer>,
    signal: AbortSignal | undefined,
    maxFailures: number = maxAttempts,
  ): Promise<Answer> {
    using ends = new EitherSignal([signal, this.#closing.signal])
    const either = ends.signal
    either.throwIfAborted()
    this.#admit(call)
    const { tokens, needsQvl } = call
    const wanted: Wanted = { tokens, needsQvl, failed: undefined, troubleSince: undefined }
    let failure: QvlError | undefined
    let numFailures = 0
    for (let attempt = 1; ; attempt++) {
      const replica = await this.#waiting.take(wanted, either)
      if (replica === undefined) throw failure ?? this.#noPlace()
      const outcome = await this.#send(replica, call, either)
      if ('answer' in outcome) return outcome.answer
      failure = outcome.failure
      wanted.failed = replica
      wanted.troubleSince ??= performance.now()
      if (!outcome.isBusy) numFailures++
      const isOver = performance.now() - wanted.troubleSince >= this.#times.patience
      if (numFailures >= maxFailures || (outcome.isBusy && isOver)) throw failure
      await pause(attempt, either)
    }
  }

  /** What waits and what is under way is given up. */
  async close(): Promise<void> {
    this.#closing.abort(closed())
    await Promise.all(this.#watches.map(({ ended }) => ended))
    await Promise.all(this.replicas.map((replica) => replica.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Throws what a new call is answered where it would wait for nothing. */
  #admit({ needsQvl }: Pick<Wanted, 'needsQvl'>): void {
    if (needsQvl && this.replicas.every(({ isQvl }) => isQvl === false)) throw notQvl()
    const able = this.replicas.filter(({ isQvl }) => isQvl || !needsQvl)
    if (!this.#forFiles && !able.some(({ isHealthy, isDoubtful }) => isHealthy || isDoubtful)) throw noneReady()
  }

  #noPlace(): QvlError {
    const ready = this.replicas.find(({ isHealthy }) => isHealthy)
    return ready === undefined ? noneReady() : allBusy(ready.url)
  }

  /** Throws a refusal, and the reason of the signal. */
  async #send<Answer>(replica: Replica, call: Call<Answer>, signal: AbortSignal): Promise<Outcome<Answer>> {
    const { url } = replica
    try {
      const got = await replica.post(call.path, call.body, signal)
      const { status, retryAfter } = got
      const answer = status === 200 ? call.read(got.body) : undefined
      if (answer !== undefined) {
        replica.answered()
        return { answer }
      }
      if (isRefusal(status)) {
        replica.counts.failed++
        throw refused(url, got)
      }
      this.#failed(replica, { retryAfter, isDown: status !== 200 && status !== 429 && status !== 500 })
      if (status === 429) return { failure: allBusy(url), isBusy: true }
      const why = status === 200 ? 'Its answer cannot be used.' : `It answered ${status}.`
      return { failure: failedAt(url, why), isBusy: status === 503 }
    } catch (cause) {
      if (cause instanceof QvlError) throw cause
      signal.throwIfAborted()
      this.#failed(replica, { isDown: true })
      return { failure: failedAt(url, 'The connection failed, or there was no answer.', cause), isBusy: false }
    } finally {
      replica.giveBack(call.tokens)
      this.#waiting.serve()
    }
  }

  #failed(replica: Replica, how: { retryAfter?: number; isDown: boolean }): void {
    replica.failed(how)
    if (how.isDown) this.#watches.find((watch) => watch.replica === replica)?.hurry()
  }

  async #look(replica: Replica): Promise<void> {
    const wasReady = replica.isHealthy || replica.isDoubtful
    await replica.probe(this.#expected).catch((error: QvlError) => this.#warn(error.message))
    if (wasReady !== replica.isHealthy) this.#warn(`${replica.url} is ${wasReady ? 'not ready' : 'ready'}.`)
    // There may be room, or nobody left to wait for.
    this.#waiting.serve()
  }
}

/** Of the prompt. The others of these are about the replica: its key, its model, its patience, and that it is full. */
const isRefusal = (status: number): boolean =>
  status >= 400 && status < 500 && ![401, 403, 404, 408, 429].includes(status)

/** Jittered, so that the calls of a replica that fell do not all arrive elsewhere at once. */
async function pause(attempt: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(retryPauseMs.longest, retryPauseMs.first * 2 ** (attempt - 1))
  await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => signal.throwIfAborted())
}
