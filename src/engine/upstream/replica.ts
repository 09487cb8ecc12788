// One replica: its connections, what is outstanding there, and how it is doing.

import { Pool } from 'undici'
import { QvlError } from '../../errors.js'
import { EitherSignal } from './either-signal.js'
import { type HttpAnswer, readAnswer } from './http-answer.js'
import { type FleetTimes, maxBusyMs, maxCallsPerReplica, maxRestMs, maxSilentProbes, retryPauseMs } from './options.js'
import { type Expected, keyRefused, wrongModel } from './served-model.js'

export interface ReplicaOptions {
  apiKey: string | undefined
  times: FleetTimes
}

export class Replica {
  readonly url: string
  isHealthy = false
  /** A call failed, and its health has not been asked since: it may have been one connection only. */
  isDoubtful = false
  /** Undefined until it has answered once. */
  isQvl: boolean | undefined
  readonly counts = { answered: 0, failed: 0 }
  outstandingTokens = 0
  outstandingCalls = 0
  /** What it seems to bear: less after a failure, one more with each answer. */
  #maxCalls = maxCallsPerReplica
  /** By performance.now(), as the two below: when it last answered, or went from no calls to one. */
  #quietSince = 0
  /** It has said that it is full: avoided until the one, and not asked at all until the other. */
  #busyUntil = 0
  #restsUntil = 0
  #failuresInRow = 0
  #silentProbes = 0
  readonly #underWay = new Set<AbortController>()
  readonly #pool: Pool
  readonly #basePath: string
  readonly #headers: Record<string, string>
  readonly #times: FleetTimes

  constructor(url: string, { apiKey, times }: ReplicaOptions) {
    const { origin, pathname } = new URL(url)
    this.#basePath = pathname.replace(/\/$/, '')
    this.url = origin + this.#basePath
    this.#headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
    this.#times = times
    // One connection more than calls, so that a question for health never waits behind them. Each request has a timer of
    // its own here.
    const pool = { connections: maxCallsPerReplica + 1, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 }
    this.#pool = new Pool(origin, { ...pool, connect: { timeout: times.health } })
  }

  hasRoom(now: number): boolean {
    return this.outstandingCalls < this.#maxCalls && now >= this.#restsUntil
  }

  /** The last call that ended there has failed. */
  get isFailing(): boolean {
    return this.#failuresInRow > 0
  }

  /** Full, or hung: better avoided while others have room. */
  isSlow(now: number): boolean {
    const isStalled = this.outstandingCalls > 0 && now - this.#quietSince > this.#times.stall
    return isStalled || now < this.#busyUntil
  }

  /** Counts a call as under way; each one is given back. */
  take(tokens: number): void {
    if (this.outstandingCalls === 0) this.#quietSince = performance.now()
    this.outstandingTokens += tokens
    this.outstandingCalls++
  }

  giveBack(tokens: number): void {
    this.outstandingTokens -= tokens
    this.outstandingCalls--
  }

  answered(): void {
    this.counts.answered++
    this.#quietSince = performance.now()
    this.#failuresInRow = 0
    this.#maxCalls = Math.min(maxCallsPerReplica, this.#maxCalls + 1)
  }

  /** A call failed. `isDown`: it is not asked again until it has been found healthy. */
  failed({ retryAfter = 0, isDown = false }: { retryAfter?: number; isDown?: boolean } = {}): void {
    const now = performance.now()
    this.counts.failed++
    this.#quietSince = now
    this.#maxCalls = Math.max(1, Math.floor(Math.min(this.#maxCalls, this.outstandingCalls) / 2))
    this.#busyUntil = Math.max(this.#busyUntil, now + Math.min(1_000 * retryAfter, maxBusyMs))
    // Failures come faster than answers, so that without a rest it would draw all calls.
    const rest = Math.max(1_000 * retryAfter, retryPauseMs.first * 2 ** this.#failuresInRow++)
    this.#restsUntil = now + Math.min(rest, maxRestMs)
    if (!isDown) return
    this.isDoubtful = this.isHealthy || this.isDoubtful
    this.isHealthy = false
  }

  /** Throws what the socket throws, and when there was no answer in time; an answer of any status is an answer. */
  async post(path: string, body: object, signal: AbortSignal): Promise<HttpAnswer> {
    const own = new AbortController()
    const timer = setTimeout(() => own.abort(new HungCall()), this.#times.call)
    this.#underWay.add(own)
    using either = new EitherSignal([signal, own.signal])
    try {
      return await this.#ask('POST', path, either.signal, JSON.stringify(body))
    } finally {
      if (own.signal.aborted) this.#distrust()
      clearTimeout(timer)
      this.#underWay.delete(own)
    }
  }

  /** Ask whether it is ready, and what it serves. Throws UPSTREAM_UNAVAILABLE for a replica of another model. */
  async probe(expected: Expected): Promise<void> {
    const limit = AbortSignal.timeout(this.#times.health)
    const wrong = await this.#look(expected, limit).catch(() => 'unreachable' as const)
    this.isHealthy = wrong === undefined
    this.isDoubtful = false
    const isSilent = wrong === 'unreachable' && limit.aborted
    this.#silentProbes = isSilent ? this.#silentProbes + 1 : 0
    // One that refuses connections may be draining, and finishes what it has.
    if (this.#silentProbes >= maxSilentProbes) for (const call of this.#underWay) call.abort(new HungCall())
    if (wrong instanceof QvlError) throw wrong
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  /** One call at a time until it answers again, and that not at once. */
  #distrust(): void {
    this.#maxCalls = 1
    this.#busyUntil = performance.now() + maxBusyMs
  }

  /** Undefined when all is well. vLLM has no /health/ready. */
  async #look(expected: Expected, limit: AbortSignal): Promise<QvlError | 'not ready' | undefined> {
    const get = (path: string): Promise<HttpAnswer> => this.#ask('GET', path, limit)
    const ready = await get('/health/ready')
    const health = ready.status === 404 ? await get('/health') : ready
    if (health.status !== 200) return 'not ready'
    const version = await get('/version')
    this.isQvl = version.server.startsWith('qvl/')
    const models = await get('/v1/models')
    if (models.status === 401 || models.status === 403) return keyRefused(this.url)
    return models.status === 200 ? wrongModel(this.url, models.body, expected) : 'not ready'
  }

  async #ask(method: 'GET' | 'POST', path: string, signal: AbortSignal, body?: string): Promise<HttpAnswer> {
    const headers = body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' }
    const all = { method, path: this.#basePath + path, headers, signal, ...(body !== undefined && { body }) }
    return readAnswer(await this.#pool.request(all))
  }
}

/** Why a call was given up here that its replica has not answered. */
class HungCall extends Error {
  override readonly name = 'HungCall'
}
