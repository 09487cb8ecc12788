// A request is taken whole or refused whole, and what it held is given back.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openAdmission } from '#qvl/server/admission.js'
import { defaultLimits, limitsWith } from '#qvl/server/limits.js'
import type { RunningServer } from '#qvl/server/server.js'
import { rawClient } from '../support/raw-http.js'
import { messageOf, startPlain } from './plain-server.js'

const json = { 'content-type': 'application/json' }
const post = (server: RunningServer, path: string, signal?: AbortSignal): Promise<Response> =>
  fetch(server.address + path, { method: 'POST', headers: json, body: '{}', ...(signal && { signal }) })

async function until(check: () => boolean): Promise<void> {
  for (let wait = 0; !check(); wait++) {
    if (wait > 500) throw new Error(`not within 5 s: ${check}`)
    await sleep(10)
  }
}

const inFlight = async (server: RunningServer): Promise<string> => {
  const text = await (await fetch(`${server.address}/metrics`)).text()
  return text
}

describe('the queue', () => {
  it('takes as many requests as allowed, refuses the next, and takes one again when one leaves', async () => {
    const server = await startPlain({ limits: { maxQueuedRequests: 3 } })
    const clients = Array.from({ length: 3 }, () => new AbortController())
    const waiting = clients.map(({ signal }) => post(server, '/wait', signal).catch(() => 'left'))
    await until(() => server.numConnections >= 3)
    await sleep(50)
    const refused = await post(server, '/echo')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await refused.json()).toMatchObject({ error: { type: 'TooManyRequestsError', code: 429 } })
    expect((await fetch(`${server.address}/health`)).status).toBe(200)
    clients[0]!.abort()
    await until(() => server.numConnections <= 4)
    await sleep(50)
    expect((await post(server, '/echo')).status).toBe(200)
    for (const client of clients) client.abort()
    await Promise.all(waiting)
    await server.close()
  })

  it('takes as many tokens as allowed; Retry-After is the time they take', async () => {
    const server = await startPlain({ limits: { maxQueuedTokens: 1000 } })
    const client = new AbortController()
    const waiting = post(server, '/deaf?tokens=700', client.signal).catch(() => 'left')
    await until(() => server.numConnections >= 1)
    await sleep(50)
    const refused = await post(server, '/echo?tokens=301')
    // The plain engine says that it computes 100 tokens per second.
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7'])
    expect((await post(server, '/echo?tokens=300')).status).toBe(200)
    expect((await post(server, '/echo?tokens=300')).status).toBe(200)
    const never = await post(server, '/echo?tokens=1001')
    expect([never.status, await messageOf(never)]).toEqual([413, expect.stringContaining('--max-queued-tokens')])
    client.abort()
    await waiting
    await server.close()
  })

  it('bodies take no more memory together than allowed', async () => {
    const server = await startPlain({ limits: { maxBodyBytesInFlight: 150_000 } })
    const slow = await Promise.all([0, 1].map(() => rawClient(server.port)))
    for (const client of slow) {
      client.send(
        'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n{',
      )
    }
    await sleep(100)
    expect((await post(server, '/echo')).status).toBe(200)
    const large = { method: 'POST', headers: json, body: 'x'.repeat(60_000) }
    expect((await fetch(`${server.address}/echo`, large)).status).toBe(429)
    for (const client of slow) client.close()
    await sleep(100)
    expect((await fetch(`${server.address}/echo`, large)).status).toBe(200)
    await server.close()
  })

  it.each([0.2, 0.6])(
    'a request that takes longer than %f s is answered, also when its handler is deaf',
    async (requestSeconds) => {
      const server = await startPlain({ limits: { requestSeconds } })
      const started = performance.now()
      const answers = await Promise.all([post(server, '/wait'), post(server, '/deaf')])
      expect(answers.map(({ status }) => status)).toEqual([503, 503])
      expect(answers[0]!.headers.get('retry-after')).not.toBeNull()
      expect(await messageOf(answers[0]!)).toContain('--request-timeout')
      expect(performance.now() - started).toBeGreaterThan(requestSeconds * 1000 - 20)
      await server.close()
    },
  )
})

describe('memory', () => {
  it('new work is refused from 90 % on, and health still answers', async () => {
    let share = 0.5
    const server = await startPlain({ memoryShare: () => share })
    expect((await post(server, '/echo')).status).toBe(200)
    share = 0.91
    expect((await post(server, '/echo')).status).toBe(429)
    expect((await fetch(`${server.address}/health`)).status).toBe(200)
    share = 0.5
    expect((await post(server, '/echo')).status).toBe(200)
    await server.close()
  })

  it('queued work is given up from 95 % on, the newest first', async () => {
    let share = 0.5
    const server = await startPlain({ memoryShare: () => share })
    const order: string[] = []
    const started = []
    for (const name of ['first', 'second', 'third', 'fourth']) {
      started.push(post(server, '/wait').then(({ status }) => order.push(`${name} ${status}`)))
      await sleep(30)
    }
    share = 0.96
    await Promise.all(started)
    expect(order.slice(0, 2).sort()).toEqual(['fourth 429', 'third 429'])
    expect(order.slice(2)).toEqual(['second 429', 'first 429'])
    await server.close()
  })
})

describe('what is counted', () => {
  it('admitted, refused and cancelled requests', async () => {
    const server = await startPlain({ limits: { maxQueuedRequests: 1 } })
    const client = new AbortController()
    const waiting = post(server, '/wait', client.signal).catch(() => 'left')
    await until(() => server.numConnections >= 1)
    await sleep(50)
    await post(server, '/echo')
    client.abort()
    await waiting
    await sleep(50)
    const text = await inFlight(server)
    expect(text).toMatch(/refused\w*\{[^}]*overloaded[^}]*\} 1/)
    expect(text).toMatch(/cancelled\w*(\{[^}]*\})? 1/)
    await server.close()
  })
})

describe('the limits of a server as it starts', () => {
  it('answer a request too many: there are more connections than places in the queue', () => {
    expect(defaultLimits.maxConnections).toBeGreaterThan(defaultLimits.maxQueuedRequests)
  })

  it("take vLLM's benchmark with its own defaults: 1000 requests of 1024 tokens, and a template around each", () => {
    const admission = openAdmission({ limits: defaultLimits, tokensPerSecond: () => 0, memoryShare: () => 0 })
    for (let request = 0; request < 1000; request++) admission.enter(true).reserveTokens(1024 + 128)
    expect(admission.numInFlight).toBe(1000)
  })
})

describe('Retry-After', () => {
  const cases = [
    { tokens: 0, rate: 100, seconds: 1 },
    { tokens: 50, rate: 100, seconds: 1 },
    { tokens: 150, rate: 100, seconds: 2 },
    { tokens: 900_000, rate: 100, seconds: 60 },
    { tokens: 500, rate: 0, seconds: 1 },
  ]
  it.each(cases)('$tokens tokens at $rate per second: $seconds s', ({ tokens, rate, seconds }) => {
    const admission = openAdmission({ limits: limitsWith({}), tokensPerSecond: () => rate, memoryShare: () => 0 })
    admission.enter(true).reserveTokens(tokens)
    expect(admission.retryAfter()).toBe(seconds)
  })
})
