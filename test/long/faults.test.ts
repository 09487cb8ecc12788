// Faults that take their time: slow clients in great numbers, and work that never ends.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawClient } from '../support/raw-http.js'
import { type ServerProcess, startServer, until, usageOf } from '../support/server.js'

let server: ServerProcess
beforeAll(async () => {
  server = await startServer('qwen3-reranker', { args: ['--disable-log-requests'] })
})
afterAll(() => server.stop())

const head = (...headers: string[]): string =>
  ['POST /v1/rerank HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...headers, '', ''].join('\r\n')

async function secondsUntil(status: number, text: string): Promise<number> {
  const client = await rawClient(server.port)
  const started = performance.now()
  client.send(text)
  const trickle = setInterval(() => client.send('x'), 1000)
  expect((await client.answer()).status).toBe(status)
  clearInterval(trickle)
  return (performance.now() - started) / 1000
}

describe('the default times', () => {
  it('9: headers of a byte a second are 408 after 10 s', async () => {
    const seconds = await secondsUntil(408, 'POST /v1/rerank HTTP/1.1\r\nX-')
    expect(seconds).toBeGreaterThan(9.9)
    expect(seconds).toBeLessThan(13)
  })

  it('10: a body of a byte a second is 408 after 60 s', async () => {
    const seconds = await secondsUntil(408, head('Content-Length: 1000'))
    expect(seconds).toBeGreaterThan(59.9)
    expect(seconds).toBeLessThan(63)
  })
})

describe('crowds', () => {
  it('500 slow clients do not slow the others down', async () => {
    const before = usageOf(server.pid).files
    const slow = await Promise.all(Array.from({ length: 500 }, () => rawClient(server.port)))
    for (const client of slow) client.send(head('Content-Length: 100000'))
    for (let round = 0; round < 20; round++) {
      for (const client of slow) client.send('x')
      const answer = await server.post('/v1/rerank', { query: 'q', documents: ['a', 'b'] })
      expect(answer.status).toBe(200)
      await sleep(250)
    }
    for (const client of slow) client.close()
    await until(() => usageOf(server.pid).files <= before + 4)
  })

  it('74: metrics and docs answer while the device is busy', async () => {
    const documents = Array.from({ length: 1500 }, (_, index) => `${index} ${'some words '.repeat(40)}`)
    const busy = server.post('/v1/rerank', { query: 'q', documents })
    const times: number[] = []
    for (let round = 0; round < 50; round++) {
      const started = performance.now()
      await Promise.all(
        ['/metrics', '/docs', '/health/live'].map(async (path) => (await fetch(server.url + path)).text()),
      )
      times.push(performance.now() - started)
      await sleep(20)
    }
    expect((await busy).status).toBe(200)
    expect(times.sort((a, b) => a - b)[45]).toBeLessThan(100)
  })

  it('a hundred large bodies at once: some are refused, memory stays within bounds', async () => {
    const before = usageOf(server.pid).residentMiB
    const body = JSON.stringify({ query: 'q', documents: ['x'.repeat(3_000_000)], padding: ' '.repeat(20_000_000) })
    const statuses = await Promise.all(
      Array.from({ length: 40 }, () => server.post('/v1/rerank', body).then(({ status }) => status, String)),
    )
    expect(
      statuses.every((status) => [400, 413, 429].includes(Number(status)) || /fetch failed/.test(String(status))),
    ).toBe(true)
    expect((await server.post('/v1/rerank', { query: 'q', documents: ['a'] })).status).toBe(200)
    expect(usageOf(server.pid).residentMiB - before).toBeLessThan(2048)
  })
})
