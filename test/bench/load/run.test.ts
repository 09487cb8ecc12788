// The load generator against real servers, good and bad.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { LoadRun } from '#qvl/bench/load/run.js'
import { Target } from '#qvl/bench/load/target.js'
import { answer, type Behaviour, habits, scriptedServer } from '../scripted-server.js'

interface Asked {
  numRequests?: number
  maxConcurrency?: number
  timeoutMs?: number
  due?: Float64Array
  signal?: AbortSignal
  onStart?: (run: LoadRun) => void
}

async function runAgainst(baseUrl: string, asked: Asked) {
  const { numRequests = 20, maxConcurrency, timeoutMs = 30_000 } = asked
  await using target = new Target({
    baseUrl,
    endpoint: '/v1/embeddings',
    headers: { authorization: 'Bearer k' },
    insecure: false,
    requestIdPrefix: 'test-',
    maxConnections: maxConcurrency,
    timeoutMs,
  })
  const run = new LoadRun({
    target,
    numRequests,
    bodyOf: (index) => JSON.stringify({ index }),
    due: asked.due ?? new Float64Array(numRequests),
    maxConcurrency,
    signal: asked.signal ?? new AbortController().signal,
  })
  asked.onStart?.(run)
  await run.run()
  return run
}

const kinds = ({ records }: LoadRun): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const failure of records.failures) if (failure) counts[failure.kind] = (counts[failure.kind] ?? 0) + 1
  return counts
}

describe('a good server', () => {
  it('gets every request once, with its body, its number and the headers', async () => {
    await using server = await scriptedServer(answer(11))
    const { records, elapsedMs } = await runAgainst(`${server.baseUrl}/prefix`, { maxConcurrency: 3 })
    expect({ ...records }).toMatchObject({ numSent: 20, numCompleted: 20, numFailed: 0, totalTokens: 220 })
    expect(records.numRunning).toBe(0)
    expect(server.received.map(({ body }) => JSON.parse(body).index).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index),
    )
    for (const { path, headers, body } of server.received) {
      expect(path).toBe('/prefix/v1/embeddings')
      expect(headers).toMatchObject({ authorization: 'Bearer k', 'content-type': 'application/json' })
      expect(headers['x-request-id']).toBe(`test-${JSON.parse(body).index}`)
    }
    for (let index = 0; index < 20; index++) {
      expect(records.sentAt[index]).toBeGreaterThanOrEqual(0)
      expect(records.headersAt[index]).toBeGreaterThan(records.sentAt[index]!)
      expect(records.endAt[index]).toBeGreaterThanOrEqual(records.headersAt[index]!)
    }
    expect(elapsedMs).toBeGreaterThanOrEqual(Math.max(...records.endAt))
  })

  it('has no more requests under way than allowed', async () => {
    let underWay = 0
    let most = 0
    await using server = await scriptedServer((response, request, index) => {
      most = Math.max(most, ++underWay)
      setTimeout(() => {
        underWay--
        answer()(response, request, index)
      }, 2)
    })
    const { records } = await runAgainst(server.baseUrl, { numRequests: 40, maxConcurrency: 4 })
    expect(records.numCompleted).toBe(40)
    expect(most).toBe(4)
  })

  it('gets no request before it is due, whether or not the others are answered', async () => {
    const held: (() => void)[] = []
    await using server = await scriptedServer((response, request, index) => {
      held.push(() => answer()(response, request, index))
      if (held.length === 5) for (const release of held) release()
    })
    const due = Float64Array.of(0, 0.01, 0.02, 0.05, 0.08)
    const { records } = await runAgainst(server.baseUrl, { numRequests: 5, due })
    expect(records.numCompleted).toBe(5)
    for (const [index, seconds] of due.entries()) {
      expect(records.sentAt[index]).toBeGreaterThanOrEqual(1000 * seconds)
    }
  })

  it('may be at a Unix socket', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'qvl-bench-'))
    {
      await using server = await scriptedServer(answer(), undefined, path.join(folder, 'socket'))
      const { records } = await runAgainst(server.baseUrl, {})
      expect(records.numCompleted).toBe(20)
      expect(server.received[0]?.path).toBe('/v1/embeddings')
    }
    await rm(folder, { recursive: true })
  })

  it('measures the head and the last byte apart', async () => {
    await using server = await scriptedServer((response) => {
      response.write('{"usage":')
      setTimeout(() => response.end('{"prompt_tokens":3}}'), 30)
    })
    const { records } = await runAgainst(server.baseUrl, { numRequests: 1 })
    expect(records.wholeLatencies()[0]! - records.latencies()[0]!).toBeGreaterThan(20)
    expect(records.totalTokens).toBe(3)
  })
})

describe('a bad server', () => {
  it.each(Object.entries<Behaviour>(habits))('%s', async (kind, behave) => {
    await using server = await scriptedServer(behave)
    const run = await runAgainst(server.baseUrl, { numRequests: 6, maxConcurrency: 2, timeoutMs: 300 })
    expect(kinds(run)).toEqual({ [kind]: 6 })
    expect(run.records.numCompleted).toBe(0)
    expect(run.records.latencies()).toHaveLength(0)
  })

  it('that does everything wrong in turn is counted kind by kind, and nothing is sent twice', async () => {
    const all: Behaviour[] = [answer(), ...Object.values<Behaviour>(habits)]
    await using server = await scriptedServer((response, request, index) =>
      all[JSON.parse(request.body).index % all.length]!(response, request, index),
    )
    const numRequests = 5 * all.length
    const run = await runAgainst(server.baseUrl, { numRequests, maxConcurrency: 6, timeoutMs: 500 })
    expect(kinds(run)).toEqual(Object.fromEntries(Object.keys(habits).map((kind) => [kind, 5])))
    expect(run.records.numCompleted).toBe(5)
    expect(server.received).toHaveLength(numRequests)
  })

  it('says why, and when to come again', async () => {
    await using server = await scriptedServer(habits['HTTP 429 Too Many Requests'])
    const { records } = await runAgainst(server.baseUrl, { numRequests: 1 })
    expect(records.failures[0]?.detail).toBe('Retry-After: 2; busy')
  })

  it('that is not there', async () => {
    const server = await scriptedServer(answer())
    await server[Symbol.asyncDispose]()
    expect(kinds(await runAgainst(server.baseUrl, { numRequests: 3 }))).toEqual({ 'connection refused': 3 })
  })
})

describe('an end before the end', () => {
  it('gives up what is under way, and counts it neither way', async () => {
    const controller = new AbortController()
    let seen = 0
    await using server = await scriptedServer((response, request, index) => {
      if (index < 5) answer()(response, request, index)
      if (++seen === 9) controller.abort()
    })
    const { records } = await runAgainst(server.baseUrl, {
      numRequests: 50,
      maxConcurrency: 4,
      signal: controller.signal,
    })
    expect({ ...records }).toMatchObject({ numCompleted: 5, numFailed: 0, numSent: 9 })
    expect(records.numRunning).toBe(4)
  })

  it('before the beginning sends nothing', async () => {
    await using server = await scriptedServer(answer())
    const { records } = await runAgainst(server.baseUrl, { signal: AbortSignal.abort() })
    expect(records.numSent).toBe(0)
    expect(server.received).toEqual([])
  })
})
