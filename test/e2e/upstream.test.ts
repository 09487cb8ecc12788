// `qvl serve --upstream` and `qvl embed --upstream` in front of real replicas: the same numbers, also while replicas die.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { goldenPath } from '../support/golden.js'
import { type Checkpoint, checkpointPath, type ServerProcess, spawnServe, startServer } from '../support/server.js'

const name = 'the-model'

const replica = (checkpoint: Checkpoint, port = 0): Promise<ServerProcess> =>
  startServer(checkpoint, { args: ['--port', String(port), '--served-model-name', name] })

const front = (checkpoint: Checkpoint, replicas: readonly ServerProcess[]): Promise<ServerProcess> =>
  startServer(checkpoint, {
    args: ['--upstream', replicas.map(({ url }) => url).join(','), '--served-upstream-model', name],
  })

const texts = Array.from({ length: 80 }, (_, index) => `text ${index} ${'and more '.repeat(index % 7)}`)

const embeddings = { model: undefined, input: texts, encoding_format: 'base64' }
const rerank = { query: 'red fruit', documents: texts.slice(0, 50) }
const raw = { input: ['a text', 'another'], use_activation: false }
const tokenEmbed = { input: ['a text'], task: 'token_embed' }

const image = (name: string): string =>
  `data:image/png;base64,${readFileSync(goldenPath(`media/${name}`)).toString('base64')}`
const frames = ['f00', 'f01', 'f02'].map((frame) => image(`frames/${frame}.png`))

/** Images of several sizes, one of them twice, and videos with an odd number of frames. */
const pictures = [
  { text: 'a pattern', image: image('rgba_80x112.png') },
  { image: [image('rgb_48x48.png'), image('rgba_80x112.png')] },
  { video: frames, text: 'moves' },
  { video: frames.slice(0, 1) },
]
const mm_processor_kwargs = { max_pixels: 4096 }

describe('the same answers as without replicas', () => {
  it.each<[Checkpoint, string, object, 'data' | 'results']>([
    ['qwen3-embedding', '/v1/embeddings', embeddings, 'data'],
    ['qwen3-embedding', '/v1/embeddings', { ...raw, dimensions: 8 }, 'data'],
    ['qwen3-embedding', '/pooling', tokenEmbed, 'data'],
    ['qwen3-embedding', '/v1/rerank', rerank, 'results'],
    ['bert-embedding', '/v1/embeddings', embeddings, 'data'],
    ['qwen3-reranker', '/v1/rerank', rerank, 'results'],
    ['qwen3-reranker', '/classify', raw, 'data'],
    ['xlm-roberta-reranker', '/v1/rerank', rerank, 'results'],
    ['qwen3-vl-embedding', '/v1/embeddings', { input: pictures }, 'data'],
    ['qwen3-vl-embedding', '/v1/rerank', { query: pictures[0], documents: pictures }, 'results'],
    ['qwen3-vl-reranker', '/v1/rerank', { query: pictures[1], documents: ['a text', ...pictures] }, 'results'],
    ['qwen3-vl-reranker', '/v1/score', { queries: 'a red dot', documents: pictures, mm_processor_kwargs }, 'data'],
  ])('%s %s', async (checkpoint, path, body, key) => {
    await using one = await replica(checkpoint)
    await using two = await replica(checkpoint)
    await using server = await front(checkpoint, [one, two])
    expect(server.port).not.toBe(one.port)
    const [here, there] = await Promise.all([one, server].map((asked) => numbers(asked, path, body, key)))
    expect(there!.length).toBe(here!.length)
    expect(largestDifference(here!, there!)).toBeLessThan(1e-6)
  })
})

it('replicas that are killed and started again lose no request', { timeout: 60_000 }, async () => {
  const replicas = [await replica('qwen3-embedding'), await replica('qwen3-embedding')]
  try {
    await using server = await front('qwen3-embedding', replicas)
    const body = { input: texts.slice(0, 4), encoding_format: 'base64' }
    const expected = await numbers(server, '/v1/embeddings', body, 'data')
    let isOver = false
    let numAnswers = 0
    const client = async (): Promise<void> => {
      while (!isOver) {
        const got = await numbers(server, '/v1/embeddings', body, 'data')
        expect(largestDifference(got, expected)).toBeLessThan(1e-6)
        numAnswers++
      }
    }
    const clients = Promise.all([client(), client(), client()])
    for (const index of [0, 1]) {
      const { port } = replicas[index]!
      replicas[index]!.kill('SIGKILL')
      await replicas[index]!.ended
      await sleep(300)
      replicas[index] = await replica('qwen3-embedding', port)
      await server.logged(new RegExp(`:${port}/? is ready`))
    }
    isOver = true
    await clients
    expect(numAnswers).toBeGreaterThan(0)
  } finally {
    await Promise.all(replicas.map((one) => one.stop()))
  }
})

it('a replica of another model is refused', async () => {
  await using one = await replica('qwen3-embedding')
  const args = [checkpointPath('qwen3-embedding'), '--port', '0', '--upstream', one.url, '--served-upstream-model', 'x']
  await using server = spawnServe(args)
  expect(await server.ended).toBe(1)
  expect(server.output).toMatch(/does not serve x\.\s+It serves the-model\./)
})

it('answers 503 when all replicas are gone, and again when one is back', async () => {
  const one = await replica('qwen3-embedding')
  await using server = await front('qwen3-embedding', [one])
  one.kill('SIGKILL')
  await one.ended
  await server.logged('is not ready')
  const refused = await server.post('/v1/embeddings', { input: 'a' })
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  const ready = await fetch(`${server.url}/health/ready`)
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'failed', why: 'No replica is ready.' }])
  expect(await (await fetch(`${server.url}/metrics`)).text()).toContain(`qvl_replica_up{replica="${one.url}"} 0`)
  await using back = await replica('qwen3-embedding', one.port)
  await server.logged(new RegExp(`:${one.port}/? is ready`))
  expect(await numbers(server, '/v1/embeddings', { input: ['a'] }, 'data')).not.toHaveLength(0)
  expect(back.pid).not.toBe(one.pid)
})

async function numbers(server: ServerProcess, path: string, body: object, key: string): Promise<number[]> {
  const response = await server.post(path, body)
  const answer = (await response.json()) as Record<string, Record<string, unknown>[]>
  if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(answer)}`)
  const items = answer[key] ?? []
  return items
    .toSorted((a, b) => Number(a.index) - Number(b.index))
    .flatMap((item) => floats(item.embedding ?? item.data ?? item.probs ?? item.relevance_score ?? item.score))
}

function floats(value: unknown): number[] {
  if (typeof value === 'string') return [...new Float32Array(new Uint8Array(Buffer.from(value, 'base64')).buffer)]
  return [value].flat(3).map(Number)
}

/** NaN, which no tolerance admits, where lengths differ. */
const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length && a.length > 0 ? Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) : Number.NaN
