// The replicas together: which one a call goes to, and what happens when it fails there.

import { setTimeout as sleep } from 'node:timers/promises'
import { QvlError } from '../../errors.js'
import {
  healthIntervalMs,
  maxAttempts,
  maxBusyMs,
  maxCallsPerReplica,
  retryPauseMs,
  type UpstreamOptions,
} from './options.js'
import { type Expected, type HttpAnswer, Replica } from './replica.js'

export interface Call<Answer> {
  path: string
  body: object
  tokens: number
  /** What is sent only another qvl understands. */
  needsQvl: boolean
  /** Undefined for an answer that is not what was asked for, which counts as a failure of the replica. */
  read(body: unknown): Answer | undefined
}

export class Fleet implements AsyncDisposable {
  readonly replicas: readonly Replica[]
  readonly #expected: Expected
  readonly #warn: (message: string) => void
  readonly #closing = new AbortController()
  /** Calls that wait until a replica has room, oldest first. */
  readonly #waiting: (() => void)[] = []
  #watching: Promise<unknown> = Promise.resolve()

  constructor(options: UpstreamOptions, expected: Expected, warn: (message: string) => void) {
    this.replicas = options.urls.map((url) => new Replica(url, options))
    this.#expected = expected
    this.#warn = warn
  }

  /** Throws UPSTREAM_UNAVAILABLE when a replica serves something else, or none is ready. */
  async open(): Promise<void> {
    try {
      await Promise.all(this.replicas.map((replica) => replica.probe(this.#expected)))
      if (!this.replicas.some(({ isHealthy }) => isHealthy)) throw noneHealthy()
    } catch (error) {
      await this.close()
      throw error
    }
    this.#watching = Promise.all(this.replicas.map((replica) => this.#watch(replica)))
  }

  /** Sent again elsewhere after a failure of the replica, never after a refusal. Throws UPSTREAM_UNAVAILABLE and the like. */
  async call<Answer>(call: Call<Answer>, signal: AbortSignal | undefined): Promise<Answer> {
    let failure = noneHealthy()
    let failed: Replica | undefined
    // One of its own for each call: listeners on a shared one would pile up.
    const either = AbortSignal.any(signal ? [signal, this.#closing.signal] : [this.#closing.signal])
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if (attempt > 0) await pause(attempt, either)
      const replica = await this.#take(call, failed, either)
      if (replica === undefined) {
        if (attempt === 0) throw failure
        continue
      }
      const outcome = await this.#send(replica, call, either)
      if (!(outcome instanceof QvlError)) return outcome.answer
      failure = outcome
      failed = replica
    }
    throw failure
  }

  /** What waits and what is under way is given up. */
  async close(): Promise<void> {
    this.#closing.abort(closed())
    await this.#watching
    await Promise.all(this.replicas.map((replica) => replica.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The answer, or a failure that another replica may not have. Throws a refusal, and the reason of the signal. */
  async #send<Answer>(
    replica: Replica,
    { path, body, tokens, read }: Call<Answer>,
    signal: AbortSignal,
  ): Promise<{ answer: Answer } | QvlError> {
    try {
      const got = await replica.post(path, body, signal)
      const answer = got.status === 200 ? read(got.body) : undefined
      if (answer !== undefined) {
        replica.counts.answered++
        return { answer }
      }
      replica.counts.failed++
      if (got.status === 429) {
        replica.busyUntil = performance.now() + Math.min(1_000 * got.retryAfter, maxBusyMs)
        return overloaded(replica)
      }
      if (got.status >= 400 && got.status < 500) throw refused(replica, got)
      if (got.status === 503) replica.isHealthy = false
      return failedAt(replica, got.status === 200 ? 'Its answer cannot be used.' : `It answered ${got.status}.`)
    } catch (cause) {
      if (cause instanceof QvlError) throw cause
      signal.throwIfAborted()
      replica.counts.failed++
      // Taken back when it is found healthy again.
      replica.isHealthy = false
      return failedAt(replica, 'The connection failed.', cause)
    } finally {
      replica.outstandingTokens -= tokens
      replica.outstandingCalls--
      this.#waiting.shift()?.()
    }
  }

  /**
   * The healthy replica with the fewest outstanding tokens, once one has room; undefined when none is healthy. The call is
   * counted in the same step, so that calls that come together spread.
   */
  async #take(
    { tokens, needsQvl }: Pick<Call<unknown>, 'tokens' | 'needsQvl'>,
    failed: Replica | undefined,
    signal: AbortSignal,
  ): Promise<Replica | undefined> {
    if (needsQvl && this.replicas.every(({ isQvl }) => isQvl === false)) throw notQvl()
    for (;;) {
      signal.throwIfAborted()
      const healthy = this.replicas.filter(({ isHealthy, isQvl }) => isHealthy && (isQvl || !needsQvl))
      if (healthy.length === 0) return undefined
      const now = performance.now()
      const others = healthy.filter((replica) => replica !== failed && replica.busyUntil <= now)
      const free = (others.length > 0 ? others : healthy).filter((one) => one.outstandingCalls < maxCallsPerReplica)
      if (free.length > 0) {
        const least = free.reduce((a, b) => (b.outstandingTokens < a.outstandingTokens ? b : a))
        least.outstandingTokens += tokens
        least.outstandingCalls++
        return least
      }
      await this.#room(signal)
    }
  }

  #room(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        const index = this.#waiting.indexOf(wake)
        if (index >= 0) this.#waiting.splice(index, 1)
        resolve()
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(wake)
    })
  }

  async #watch(replica: Replica): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await sleep(healthIntervalMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const before = replica.isHealthy
      await replica.probe(this.#expected).catch((error: QvlError) => this.#warn(error.message))
      if (before !== replica.isHealthy) this.#warn(`${replica.url} is ${before ? 'not ready' : 'ready'}.`)
      // Whoever waits looks again: there may be room, or nobody left to wait for.
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }
}

/** Jittered, so that the calls of a replica that fell do not all arrive elsewhere at once. */
async function pause(attempt: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(retryPauseMs.longest, retryPauseMs.first * 2 ** (attempt - 1))
  await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => signal.throwIfAborted())
}

const noneHealthy = (): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: 'No replica is ready.',
    why: 'None of the addresses of --upstream answers, or all are starting or draining.',
    do: 'Start one, or try again later.',
  })

const notQvl = (): QvlError =>
  new QvlError('NOT_IMPLEMENTED', {
    what: 'This prompt cannot be sent to the replicas.',
    why: 'Beside token ids vLLM takes neither images nor the second text of a pair; only qvl serve does.',
    do: 'Send it to a replica directly, add a replica of qvl serve, or serve the model here without --upstream.',
  })

const failedAt = ({ url }: Replica, why: string, cause?: unknown): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: `The replica ${url} failed.`,
    why,
    do: 'Try again later, and look into the log of the replica.',
    cause,
  })

const overloaded = ({ url }: Replica): QvlError =>
  new QvlError('ENGINE_OVERLOADED', {
    what: 'All replicas are busy.',
    why: `The last one asked, ${url}, takes no more requests at present.`,
    do: 'Try again later, or add a replica.',
  })

/** The prompt was checked here, so this is about the two servers and not about the client's request. */
const refused = ({ url }: Replica, { status, body }: HttpAnswer): QvlError =>
  new QvlError('ENGINE_ITEM_FAILED', {
    what: `The replica ${url} refused a prompt with status ${status}.`,
    why: 'It serves the model in another way than this server expects.',
    do: 'Compare the model, its task and its limits on both sides.',
    cause: body,
  })

const closed = (): QvlError =>
  new QvlError('NOT_READY', {
    what: 'The model has been closed.',
    why: 'It answers no more requests.',
    do: 'Open it again.',
  })
