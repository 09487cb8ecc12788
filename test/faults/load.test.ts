// More work than the server takes: what is admitted is right, what is not is told when to come back.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawClient } from '../support/raw-http.js'
import { type ServerProcess, startServer, until, usageOf } from '../support/server.js'

let server: ServerProcess
beforeAll(async () => {
  server = await startServer('qwen3-embedding', {
    args: ['--max-queued-requests', '8', '--request-timeout', '20', '--max-num-batched-tokens', '512'],
  })
})
afterAll(() => server.stop())

interface Embeddings {
  data: { embedding: number[] }[]
}

const text = (index: number): string => `${index} ${'lorem ipsum dolor sit amet '.repeat(1 + (index % 7) * 8)}`

/** No two begin alike, so that nothing is computed once for several. */
const distinct = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${index} ${'some text that takes a while '.repeat(12)}`)

async function vectorOf(input: string): Promise<number[]> {
  const answer = await server.post('/v1/embeddings', { input })
  expect(answer.status).toBe(200)
  const { data } = (await answer.json()) as Embeddings
  return data[0]!.embedding
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * y[index]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

const metric = async (name: string): Promise<number> => {
  const page = await (await fetch(`${server.url}/metrics`)).text()
  const values = [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, 'gm'))]
  return values.reduce((sum, [, value]) => sum + Number(value), 0)
}

describe('a burst', () => {
  it('62: ten times the capacity: admitted ones are right, the others hear when to try again', async () => {
    const expected = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((index) => vectorOf(text(index))))
    const answers = await Promise.all(
      Array.from({ length: 80 }, async (_, index) => {
        const answer = await server.post('/v1/embeddings', { input: text(index % 7) })
        return { index: index % 7, answer, body: (await answer.json()) as Embeddings }
      }),
    )
    const admitted = answers.filter(({ answer }) => answer.status === 200)
    const refused = answers.filter(({ answer }) => answer.status === 429)
    expect(admitted.length + refused.length).toBe(80)
    expect(admitted.length).toBeGreaterThan(7)
    expect(refused.length).toBeGreaterThan(0)
    for (const { answer } of refused) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    for (const { index, body } of admitted) {
      expect(cosine(body.data[0]!.embedding, expected[index]!)).toBeGreaterThan(0.99999)
    }
  })

  it('63: a long request and short ones all make progress', async () => {
    const long = server.post('/v1/embeddings', { input: distinct(300) })
    await sleep(50)
    const order: string[] = []
    const short = [0, 1, 2, 3].map(async (index) => {
      await vectorOf(`short ${index}`)
      order.push('short')
    })
    const ended = long.then(async (answer) => {
      expect(answer.status).toBe(200)
      order.push('long')
      return (await answer.json()) as Embeddings
    })
    await Promise.all([...short, ended])
    expect((await ended).data).toHaveLength(300)
    expect(order.slice(0, 3)).not.toContain('long')
  })
})

describe('64: clients that leave', () => {
  const body = JSON.stringify({ input: distinct(100) })
  const head = (length: number): string =>
    `POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  const phases: { name: string; send: string; waitMs: number }[] = [
    { name: 'before a word', send: '', waitMs: 5 },
    { name: 'within the headers', send: 'POST /v1/embeddings HTTP/1.1\r\nHost:', waitMs: 5 },
    { name: 'within the body', send: head(body.length) + body.slice(0, 100), waitMs: 5 },
    { name: 'with the body sent', send: head(body.length) + body, waitMs: 0 },
    { name: 'while it runs', send: head(body.length) + body, waitMs: 25 },
  ]
  it.each(phases)('$name', async ({ send, waitMs }) => {
    const before = usageOf(server.pid)
    for (let round = 0; round < 8; round++) {
      const client = await rawClient(server.port)
      client.send(send)
      await sleep(waitMs)
      client.close()
      await sleep(5)
    }
    await until(() => usageOf(server.pid).files <= before.files + 1)
    // Nothing is left in the queue: the next answer comes, and load is back to nothing.
    await vectorOf('next')
    const load = (await (await fetch(`${server.url}/load`)).json()) as { server_load: number }
    expect(load.server_load).toBe(0)
  })

  it('are counted', async () => {
    expect(await metric('\\S*cancelled\\S*')).toBeGreaterThanOrEqual(8)
  })
})
