// Ten thousand clients that leave, at every moment, leave nothing behind.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { random } from '../support/random.js'
import { rawClient } from '../support/raw-http.js'
import { type ServerProcess, startServer, until, usageOf } from '../support/server.js'

const numClients = 10_000
const atOnce = 50

describe('10,000 aborted requests', () => {
  it('leave no file, no queued work and no memory', async () => {
    await using server = await startServer('qwen3-embedding', { args: ['--disable-log-requests'] })
    const next = random(64)
    const draw = (): number => next() / 2 ** 32
    // The first ones warm up what grows once: the heap, the lists of connections, the kept prefixes.
    await abort(server, 3_000, draw)
    const before = await settled(server)
    await abort(server, numClients, draw)
    const after = await settled(server)
    expect(after.files).toBeLessThanOrEqual(before.files + 2)
    // A leak of 4 KiB for each client would be 40 MiB; the garbage that has not been collected yet varies by 25.
    expect(after.residentMiB - before.residentMiB).toBeLessThan(36)
    const answer = await server.post('/v1/embeddings', { input: 'the next one' })
    expect(answer.status).toBe(200)
    const page = await (await fetch(`${server.url}/metrics`)).text()
    expect(page).toMatch(/cancelled\w*(\{[^}]*\})? [1-9]/)
  })
})

async function abort(server: ServerProcess, count: number, draw: () => number): Promise<void> {
  for (let done = 0; done < count; done += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, (_, index) => abortOne(server, done + index, draw)))
  }
}

/** Sends a part of a request, or all of it, waits a little, and is gone. */
async function abortOne({ port }: ServerProcess, index: number, draw: () => number): Promise<void> {
  const body = JSON.stringify({
    input: Array.from({ length: 4 }, (_, text) => `${index} ${text} ${'word '.repeat(60)}`),
  })
  const head = `POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  const whole = head + body
  const client = await rawClient(port)
  client.send(draw() < 0.5 ? whole : whole.slice(0, Math.floor(draw() * whole.length)))
  await sleep(Math.floor(draw() * 30))
  client.close()
}

async function settled(server: ServerProcess): Promise<{ files: number; residentMiB: number }> {
  await until(async () => {
    const load = (await (await fetch(`${server.url}/load`)).json()) as { server_load: number }
    const { files } = usageOf(server.pid)
    await sleep(200)
    return load.server_load === 0 && usageOf(server.pid).files === files
  }, 120_000)
  return usageOf(server.pid)
}
