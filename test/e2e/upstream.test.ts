// `qvl serve --upstream` in front of real replicas: the same numbers as without, and what is answered when they are gone.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Checkpoint,
  checkpointPath,
  type ServerProcess,
  spawnServe,
  startServer,
  until,
} from '../support/server.js'
import { expectSameAnswers, metric, name, numbers, startFront, startReplica } from './upstream-fleet.js'

const texts = Array.from({ length: 80 }, (_, index) => `text ${index} ${'and more '.repeat(index % 7)}`)

const embeddings = { input: texts, encoding_format: 'base64' }
const rerank = { query: 'red fruit', documents: texts.slice(0, 50) }
const raw = { input: ['a text', 'another'], use_activation: false }
const tokenEmbed = { input: ['a text'], task: 'token_embed' }

describe('the same answers as without replicas', () => {
  it.each<[Checkpoint, [string, object][]]>([
    [
      'qwen3-embedding',
      [
        ['/v1/embeddings', embeddings],
        ['/v1/embeddings', { ...raw, dimensions: 8 }],
        ['/pooling', tokenEmbed],
        ['/v1/rerank', rerank],
      ],
    ],
    [
      'qwen3-reranker',
      [
        ['/v1/rerank', rerank],
        ['/classify', raw],
      ],
    ],
    ['bert-embedding', [['/v1/embeddings', embeddings]]],
    ['xlm-roberta-reranker', [['/v1/rerank', rerank]]],
  ])('%s', expectSameAnswers)
})

describe('one replica', () => {
  const checkpoint = 'qwen3-embedding'
  let replica: ServerProcess
  // With one thread, so that there is time to leave.
  beforeAll(async () => {
    replica = await startReplica(checkpoint, ['--threads', '1'])
  })
  afterAll(() => replica.stop())

  it('of another model is refused', async () => {
    const args = ['--port', '0', '--upstream', replica.url, '--served-upstream-model', 'x']
    await using server = spawnServe([checkpointPath(checkpoint), ...args])
    expect(await server.ended).toBe(1)
    expect(server.output).toMatch(new RegExp(`does not serve x\\.\\s+It serves ${name}\\.`))
  })

  it('stops computing what its client does not wait for, and may be gone and come back', async () => {
    await using front = await startFront(checkpoint, [replica])
    const leave = new AbortController()
    const body = JSON.stringify({ input: Array.from({ length: 400 }, (_, i) => `${i} ${'and more '.repeat(150)}`) })
    const headers = { 'content-type': 'application/json' }
    const { signal } = leave
    const lost = fetch(`${front.url}/v1/embeddings`, { method: 'POST', headers, body, signal })
    await until(async () => (await metric(replica, 'qvl_requests_admitted_total')) > 1)
    leave.abort()
    await expect(lost).rejects.toThrow()
    await until(async () => (await metric(front, 'qvl_replica_running_calls')) === 0)
    await until(async () => (await metric(replica, 'vllm:num_requests_running')) === 0)
    expect(await metric(replica, 'qvl_requests_cancelled_total')).toBeGreaterThan(0)
    expect(await metric(front, 'qvl_requests_cancelled_total')).toBe(1)
    expect(await metric(front, 'qvl_replica_failures_total')).toBe(0)

    replica.kill('SIGKILL')
    await front.logged('is not ready')
    const refused = await front.post('/v1/embeddings', { input: 'a' })
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    const ready = await fetch(`${front.url}/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'failed', why: 'No replica is ready.' }])
    expect(await metric(front, 'qvl_replica_up')).toBe(0)

    replica = await startServer(checkpoint, { args: ['--served-model-name', name, '--port', `${replica.port}`] })
    await front.logged(new RegExp(`:${replica.port}/? is ready`))
    expect(await numbers(front, '/v1/embeddings', { input: ['a'] })).not.toHaveLength(0)
  })
})
