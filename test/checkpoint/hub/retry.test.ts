import { describe, expect, it } from 'vitest'
import { type HubTarget, networkFailure, statusFailure, TransientFailure } from '#qvl/checkpoint/hub/errors.js'
import { defaultHubLimits } from '#qvl/checkpoint/hub/limits.js'
import { retrying } from '#qvl/checkpoint/hub/retry.js'

const { signal } = new AbortController()
const limits = { ...defaultHubLimits, backoffMs: 4, maxPauseMs: 20 }

/** The pauses between tries that all fail with this Retry-After, until it is given up. */
async function pausesOf(retryAfterMs: number | undefined): Promise<number[]> {
  const pauses: number[] = []
  const failure = new TransientFailure('It failed.', { retryAfterMs })
  const onPause = (_: TransientFailure, pauseMs: number): void => {
    pauses.push(pauseMs)
  }
  await expect(retrying(() => Promise.reject(failure), { limits, signal, onPause })).rejects.toBe(failure)
  return pauses
}

describe('the pause between tries', () => {
  it('doubles, up to a limit, half of it random', async () => {
    const full = [4, 8, 16, 20]
    const pauses = await pausesOf(undefined)
    expect(pauses).toHaveLength(full.length)
    for (const [at, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(full[at]! / 2)
      expect(pause).toBeLessThanOrEqual(full[at]!)
    }
  })

  it('is what Retry-After asks for, up to a limit', async () => {
    expect(await pausesOf(7)).toEqual([7, 7, 7, 7])
    expect(await pausesOf(3_600_000)).toEqual([20, 20, 20, 20])
  })

  it('ends when the signal is aborted', async () => {
    const stop = new AbortController()
    const reason = new Error('stop')
    const failure = new TransientFailure('It failed.', { retryAfterMs: 3_600_000 })
    const onPause = (): void => stop.abort(reason)
    const result = retrying(() => Promise.reject(failure), { limits: defaultHubLimits, signal: stop.signal, onPause })
    await expect(result).rejects.toBe(reason)
  })
})

it('an error that will not pass is not tried again', async () => {
  let tries = 0
  const failure = new Error('for good')
  const attempt = (): Promise<never> => {
    tries += 1
    return Promise.reject(failure)
  }
  await expect(retrying(attempt, { limits, signal })).rejects.toBe(failure)
  expect(tries).toBe(1)
})

describe('Retry-After', () => {
  const target: HubTarget = {
    service: 'the hub',
    endpoint: 'https://hub.example',
    id: 'org/name',
    revision: 'main',
    tokenName: 'HF_TOKEN',
    hasToken: false,
  }
  const waitOf = (value: string | undefined): number | undefined => {
    const headers = value === undefined ? {} : { 'retry-after': value }
    const failure = statusFailure(429, headers, target, 'https://hub.example/x')
    return failure instanceof TransientFailure ? failure.details.retryAfterMs : Number.NaN
  }

  it.each([
    ['0', 0],
    ['90', 90_000],
    ['soon', undefined],
    [undefined, undefined],
    ['Mon, 01 Jan 2001 00:00:00 GMT', 0],
  ])('%s is %s ms', (value, ms) => {
    expect(waitOf(value)).toBe(ms)
  })

  it('may be a date', () => {
    const wait = waitOf(new Date(Date.now() + 3_600_000).toUTCString())
    expect(wait).toBeGreaterThan(3_000_000)
    expect(wait).toBeLessThanOrEqual(3_600_000)
  })
})

it.each([
  ['ENOTFOUND', 'The name hub.example could not be resolved.'],
  ['ECONNREFUSED', 'hub.example refused the connection.'],
  ['UND_ERR_CONNECT_TIMEOUT', 'hub.example stopped answering.'],
  ['UND_ERR_SOCKET', 'The connection to hub.example was cut.'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'The certificate of hub.example is not trusted.'],
  ['EHOSTUNREACH', 'The connection to hub.example failed.'],
])('%s is put in words', (code, words) => {
  const error = Object.assign(new Error('a library says'), { code })
  expect(networkFailure(error, 'hub.example').why).toBe(words)
  expect(networkFailure(new AggregateError([error]), 'hub.example').why).toBe(words)
})
