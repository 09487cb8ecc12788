// The heap of a server after tens of thousands of requests is that after the first thousands: nothing of a request stays.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool, WebSocket } from 'undici'
import { expect, it } from 'vitest'
import { goldenPath } from '../support/golden.js'
import { type Checkpoint, startServer } from '../support/server.js'

const numWarm = 6_000
const numCounted = 24_000
const numClients = 16

/** What a request may leave behind on average. The leaks that were found had 60 bytes and more. */
const maxBytesPerRequest = 40

const image = `data:image/png;base64,${readFileSync(goldenPath('media/rgb_48x48.png')).toString('base64')}`
const withImage = { query: 'q', documents: [{ content: [{ type: 'image_url', image_url: { url: image } }] }, 'x'] }

const cases: readonly [string, Checkpoint, string, object, number][] = [
  ['embeddings', 'qwen3-embedding', '/v1/embeddings', { input: ['one', 'two three'] }, 200],
  ['a rerank', 'qwen3-reranker', '/v1/rerank', { query: 'q', documents: ['one', 'two three'] }, 200],
  ['an image', 'qwen3-vl-reranker', '/v1/rerank', withImage, 200],
  ['a refusal', 'qwen3-embedding', '/v1/embeddings', { input: { none: 1 } }, 400],
]

it.each(cases)('%s', async (_, checkpoint, path, body, status) => {
  await using server = await startServer(checkpoint, inspected)
  expect(await growth(server, { path, body, status })).toBeLessThan(maxBytesPerRequest)
})

it('embeddings in front of a replica', async () => {
  await using replica = await startServer('qwen3-embedding', { args: ['--served-model-name', 'm'] })
  const args = ['--upstream', replica.url, '--served-upstream-model', 'm']
  await using server = await startServer('qwen3-embedding', { args: [...inspected.args, ...args], env: inspected.env })
  expect(await growth(server, { path: '/v1/embeddings', body: { input: ['one', 'two'] }, status: 200 })).toBeLessThan(
    maxBytesPerRequest,
  )
})

const inspected = { args: ['--disable-log-requests'], env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } }

interface Asked {
  path: string
  body: object
  status: number
}

/** Bytes of heap that a request leaves behind. */
async function growth(server: { url: string; output: string }, asked: Asked): Promise<number> {
  const pool = new Pool(server.url, { connections: numClients })
  const inspector = await openInspector(server.output)
  try {
    await send(pool, asked, numWarm)
    const before = await inspector.heapUsed()
    await send(pool, asked, numCounted)
    return ((await inspector.heapUsed()) - before) / numCounted
  } finally {
    inspector.close()
    await pool.close()
  }
}

async function send(pool: Pool, { path, body, status }: Asked, count: number): Promise<void> {
  let left = count
  const text = JSON.stringify(body)
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const headers = { 'content-type': 'application/json' }
      const answer = await pool.request({ method: 'POST', path, headers, body: text })
      await answer.body.dump()
      expect(answer.statusCode).toBe(status)
    }
  }
  await Promise.all(Array.from({ length: numClients }, client))
}

/** Of the process that said on stderr where its inspector listens. */
async function openInspector(output: string) {
  const [url = ''] = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(output) ?? []
  const socket = new WebSocket(url)
  const waiting = new Map<number, (result: unknown) => void>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data))
    waiting.get(id)?.(result)
  })
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  const call = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve) => {
      const id = waiting.size + 1
      waiting.set(id, resolve)
      socket.send(JSON.stringify({ id, method, params }))
    })
  return {
    async heapUsed(): Promise<number> {
      // What weak references hold is let go in a turn of its own.
      for (let time = 0; time < 3; time++) {
        await call('HeapProfiler.collectGarbage')
        await sleep(200)
      }
      const asked = { expression: 'process.memoryUsage().heapUsed', returnByValue: true }
      const { result } = (await call('Runtime.evaluate', asked)) as { result: { value: number } }
      return result.value
    },
    close: () => socket.close(),
  }
}
