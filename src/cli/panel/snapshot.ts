// What the panel shows, and the readings of the last minute that rates and percentiles are made of.

import type { ServerReading, ServerState } from '../../bench/watch.js'
import { failureText } from './failures.js'
import { between, percentile } from './percentile.js'
import { type CacheCounts, type Sample, sampleOf } from './sample.js'

/** One moment of a server. Rates are those of the last seconds; undefined is what the server does not tell. */
export interface Snapshot {
  address: string
  model: string | undefined
  server: string | undefined
  device: string | undefined
  state: ServerState
  /** For people; about the state. */
  why: string
  uptimeSeconds: number | undefined
  running: number | undefined
  waiting: number | undefined
  requestsPerSecond: number | undefined
  inputsPerSecond: number | undefined
  tokensPerSecond: number | undefined
  computedTokensPerSecond: number | undefined
  /** Seconds, of the requests answered in the last `windowSeconds`. */
  latency: { p50: number; p95: number; p99: number } | undefined
  windowSeconds: number
  prefixCache: CacheCounts | undefined
  imageCache: CacheCounts | undefined
  cacheUsage: number | undefined
  /** Share of the time in which a batch was computed, 0 to 1. */
  busyShare: number | undefined
  /** Processor time per second. */
  coresBusy: number | undefined
  residentBytes: number | undefined
  /** The latest first. */
  errors: readonly ErrorCount[] | undefined
  /** Tokens per second at each reading of the last minute, the latest last. */
  history: readonly number[]
}

type Rates = Pick<
  Snapshot,
  'requestsPerSecond' | 'inputsPerSecond' | 'tokensPerSecond' | 'computedTokensPerSecond' | 'busyShare' | 'coresBusy'
>

export interface ErrorCount {
  /** A status such as `429`, or how vLLM says that a request ended. */
  code: string
  count: number
  what: string
  /** Since it was last seen to happen; undefined when that was before the watch began. */
  secondsAgo: number | undefined
}

/** Percentiles need some requests; a minute is recent enough to see that a server has become slow. */
export const windowSeconds = 60
/** Rates follow the load quickly, and are still of more than one batch. */
const rateSeconds = 5

interface Timed {
  /** Milliseconds on a monotonic clock. */
  at: number
  sample: Sample
}

/** The readings of the last minute of one server. */
export class Recent {
  #readings: Timed[] = []
  #history: { at: number; tokensPerSecond: number }[] = []
  #server: string | undefined
  #names: Pick<ServerReading, 'model' | 'version'> = { model: undefined, version: undefined }
  readonly #lastSeen = new Map<string, number>()

  /** `at` in milliseconds, `now` in Unix seconds. */
  add(reading: ServerReading, at: number, now: number): Snapshot {
    const sample = sampleOf(reading.metrics ?? '')
    const isAnswer = reading.metrics !== undefined
    if (isAnswer) this.#keep({ at, sample })
    const { failures, startedAt, device } = sample
    const { state, why, address } = reading
    // What it was called before it went away.
    const { model = this.#names.model, version = this.#names.version } = reading
    this.#names = { model, version }
    if (isAnswer) this.#server = serverName(sample, version)
    return {
      ...{ address, model, state, why, device },
      server: this.#server,
      uptimeSeconds: startedAt === undefined ? undefined : Math.max(0, now - startedAt),
      running: sample.running,
      waiting: sample.waiting,
      ...this.#rates(isAnswer),
      latency: this.#latency(sample),
      windowSeconds,
      prefixCache: sample.prefixCache,
      imageCache: sample.imageCache,
      cacheUsage: sample.cacheUsage,
      residentBytes: sample.residentBytes,
      errors: isAnswer ? this.#errors(failures, at) : undefined,
      history: this.#history.map(({ tokensPerSecond }) => tokensPerSecond),
    }
  }

  #keep(timed: Timed): void {
    const before = this.#readings.at(-1)
    // A server that was started again counts from 0.
    if (before !== undefined && hasRestarted(before.sample, timed.sample)) this.#readings = []
    const last = this.#readings.at(-1)
    if (last !== undefined) this.#note(last, timed)
    this.#readings.push(timed)
    const oldest = timed.at - 1000 * windowSeconds
    this.#readings = this.#readings.filter(({ at }) => at >= oldest)
    this.#history = this.#history.filter(({ at }) => at >= oldest)
  }

  #note(last: Timed, { at, sample }: Timed): void {
    for (const [code, count] of sample.failures) {
      if (count > (last.sample.failures.get(code) ?? 0)) this.#lastSeen.set(code, at)
    }
    const tokensPerSecond = rate(last, { at, sample }, ({ promptTokens }) => promptTokens)
    if (tokensPerSecond !== undefined) this.#history.push({ at, tokensPerSecond })
  }

  #rates(isAnswer: boolean): Rates {
    const now = isAnswer ? this.#readings.at(-1) : undefined
    const before = this.#readings.slice(0, -1)
    const first = before.find(({ at }) => at >= (now?.at ?? 0) - 1000 * rateSeconds) ?? before.at(-1)
    const of = (read: (sample: Sample) => number | undefined): number | undefined =>
      first === undefined || now === undefined ? undefined : rate(first, now, read)
    const busy = of(({ busySeconds }) => busySeconds)
    return {
      requestsPerSecond: of(({ requests }) => requests),
      inputsPerSecond: of(({ inputs }) => inputs),
      tokensPerSecond: of(({ promptTokens }) => promptTokens),
      computedTokensPerSecond: of(({ computedTokens }) => computedTokens),
      busyShare: busy === undefined ? undefined : Math.min(1, busy),
      coresBusy: of(({ cpuSeconds }) => cpuSeconds),
    }
  }

  #latency({ latency }: Sample): Snapshot['latency'] {
    const first = this.#readings[0]
    if (first === undefined) return undefined
    const recent = between(first.sample.latency, latency)
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(recent, share))
    return p50 === undefined || p95 === undefined || p99 === undefined ? undefined : { p50, p95, p99 }
  }

  #errors(failures: Sample['failures'], now: number): ErrorCount[] {
    const errors = [...failures].map(([code, count]): ErrorCount => {
      const at = this.#lastSeen.get(code)
      return { code, count, what: failureText(code), secondsAgo: at === undefined ? undefined : (now - at) / 1000 }
    })
    const age = ({ secondsAgo }: ErrorCount): number => secondsAgo ?? Number.MAX_VALUE
    return errors.sort((one, two) => age(one) - age(two) || two.count - one.count)
  }
}

/** Both tell a version; the build is told by qvl alone, and the number of requests by what speaks vLLM's names. */
function serverName(sample: Sample, version: string | undefined): string | undefined {
  if (sample.version !== undefined) return `qvl ${sample.version}`
  return version === undefined || sample.running === undefined ? version : `vLLM ${version}`
}

function hasRestarted(before: Sample, now: Sample): boolean {
  const fell = (one: number | undefined, two: number | undefined): boolean =>
    one !== undefined && two !== undefined && two < one
  return fell(before.promptTokens, now.promptTokens) || fell(before.cpuSeconds, now.cpuSeconds)
}

/** Undefined when there is no time between the two, or the server does not count it. */
function rate(first: Timed, last: Timed, read: (sample: Sample) => number | undefined): number | undefined {
  const [before, after] = [read(first.sample), read(last.sample)]
  const seconds = (last.at - first.at) / 1000
  return before === undefined || after === undefined || seconds <= 0 ? undefined : (after - before) / seconds
}
