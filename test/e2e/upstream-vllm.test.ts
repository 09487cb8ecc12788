// `qvl serve --upstream` in front of a server that has vLLM's routes and answers, and accepts nothing that vLLM does not
// know. Its numbers are those of an engine here, from the token ids that it is sent.

import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import type { Engine } from '#qvl/engine/requests.js'
import { goldenPath, maxDifference } from '../support/golden.js'
import { type Checkpoint, type ServerProcess, startServer } from '../support/server.js'

const name = 'served/name'
const key = 'a-key-of-the-replica'

type Json = Readonly<Record<string, unknown>>

/** What each field may hold, for the fields that are sent at all. */
const fields: Readonly<Record<string, (value: unknown) => boolean>> = {
  model: (value) => value === name,
  input: (value) => Array.isArray(value) && value.length > 0 && value.every(isIds),
  encoding_format: (value) => value === 'base64' || value === 'float',
  use_activation: (value) => typeof value === 'boolean',
  add_special_tokens: (value) => typeof value === 'boolean',
  task: (value) => value === 'token_embed',
}

const common = ['model', 'input', 'use_activation', 'add_special_tokens']

/** What vLLM's request classes know; it ignores other fields without a word, so that they would do nothing. */
const known: Readonly<Record<string, readonly string[]>> = {
  '/v1/embeddings': [...common, 'encoding_format'],
  '/pooling': [...common, 'encoding_format', 'task'],
  '/classify': common,
}

const isIds = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(Number.isInteger)

interface FakeVllm extends AsyncDisposable {
  url: string
  /** Of the calls that it answered. */
  paths: string[]
  /** What it found wrong. */
  complaints: string[]
}

async function fakeVllm(engine: Engine): Promise<FakeVllm> {
  const paths: string[] = []
  const complaints: string[] = []
  const server = createServer(async (request, response) => {
    const { status, body } = await respond(request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body))
  })
  const respond = async (request: IncomingMessage): Promise<{ status: number; body?: object }> => {
    const path = request.url ?? ''
    const served = { id: name, object: 'model', owned_by: 'vllm', root: '/models/m', parent: null }
    const { maxModelLen } = engine.model
    if (path === '/health') return { status: 200 }
    if (path === '/version') return { status: 200, body: { version: '0.15.0' } }
    // The key guards what is below /v1 and nothing else.
    const isGuarded = path.startsWith('/v1')
    if (isGuarded && request.headers.authorization !== `Bearer ${key}`) {
      return { status: 401, body: { error: 'Unauthorized' } }
    }
    const models = { object: 'list', data: [{ ...served, max_model_len: maxModelLen }] }
    if (path === '/v1/models') return { status: 200, body: models }
    const allowed = known[path]
    if (allowed === undefined) return { status: 404, body: { detail: 'Not Found' } }
    const asked = await readBody(request)
    const wrong = complaintsAbout(request, asked, allowed)
    complaints.push(...wrong)
    if (wrong.length > 0) return { status: 400, body: { error: { message: wrong.join('; '), code: 400 } } }
    paths.push(path)
    const input = asked.input as number[][]
    const data = await Promise.all(input.map(async (tokens, index) => ({ index, ...(await item(path, tokens)) })))
    return { status: 200, body: { id: 'x', object: 'list', created: 1, model: name, data, usage: {} } }
  }
  const item = async (path: string, tokens: number[]): Promise<object> => {
    const { preparer } = engine
    if (path === '/classify') {
      const [answer] = engine.submit([preparer.classify({ content: { tokens }, useActivation: false })])
      const { probs } = await answer!
      return { label: 'LABEL_0', probs: [...probs], num_classes: probs.length }
    }
    if (path === '/pooling') {
      const [answer] = engine.submit([preparer.tokenEmbed({ content: { tokens }, useActivation: false })])
      const { rows, width, data } = await answer!
      const matrix = Array.from({ length: rows }, (_, row) => [...data.subarray(row * width, (row + 1) * width)])
      return { object: 'pooling', data: matrix }
    }
    const { vector } = await engine.embed({ content: { tokens }, useActivation: false })
    return { object: 'embedding', embedding: Buffer.from(new Uint8Array(vector.slice().buffer)).toString('base64') }
  }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    paths,
    complaints,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function readBody(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

function complaintsAbout({ headers, url }: IncomingMessage, body: Json, allowed: readonly string[]): string[] {
  const wrong = Object.keys(body).flatMap((field) => {
    if (!allowed.includes(field)) return [`${url} does not know ${field}`]
    return fields[field]?.(body[field]) ? [] : [`${field} is wrong`]
  })
  const isJson = headers['content-type']?.split(';')[0] === 'application/json'
  return isJson ? wrong : [...wrong, 'the content type is wrong']
}

const folder = mkdtempSync(join(tmpdir(), 'qvl-upstream-'))
const keyFile = join(folder, 'key')
beforeAll(() => writeFileSync(keyFile, `${key}\n`))
afterAll(() => rmSync(folder, { recursive: true }))

const front = (checkpoint: Checkpoint, { url }: FakeVllm, args: readonly string[] = []): Promise<ServerProcess> =>
  startServer(checkpoint, {
    args: ['--upstream', url, '--served-upstream-model', name, '--upstream-api-key-file', keyFile, ...args],
  })

const documents = ['an apple', 'a castle', 'a recipe with red fruit']

describe('the same answers as without a replica, from what vLLM understands', () => {
  it.each<[Checkpoint, string, object, string]>([
    ['qwen3-embedding', '/v1/embeddings', { input: documents }, '/v1/embeddings'],
    ['qwen3-embedding', '/v1/embeddings', { input: documents, dimensions: 8 }, '/v1/embeddings'],
    ['qwen3-embedding', '/v1/rerank', { query: 'red fruit', documents }, '/v1/embeddings'],
    ['qwen3-embedding', '/pooling', { input: documents, task: 'token_embed' }, '/pooling'],
    ['qwen3-reranker', '/v1/rerank', { query: 'red fruit', documents }, '/classify'],
    ['qwen3-reranker', '/classify', { input: documents }, '/classify'],
  ])('%s %s %j', async (checkpoint, path, body, sent) => {
    await using engine = await openEngine({ model: goldenPath(`checkpoints/${checkpoint}`), dtype: 'float32' })
    await using vllm = await fakeVllm(engine)
    await using server = await front(checkpoint, vllm)
    await using local = await startServer(checkpoint)
    const [here, there] = await Promise.all([local, server].map((asked) => numbers(asked, path, body)))
    expect(here!.length).toBeGreaterThan(0)
    expect(maxDifference(here!, there!)).toBeLessThan(1e-6)
    expect(vllm.complaints).toEqual([])
    // The first call is the one that shows at the start that the replica can answer.
    expect(vllm.paths.slice(1).every((each) => each === sent)).toBe(true)
    expect(vllm.paths.length).toBeGreaterThan(1)
  })
})

it('the start ends with an error when the key is wrong', async () => {
  await using engine = await openEngine({ model: goldenPath('checkpoints/qwen3-embedding'), dtype: 'float32' })
  await using vllm = await fakeVllm(engine)
  writeFileSync(join(folder, 'other'), 'not-the-key')
  const args = ['--upstream-api-key-file', join(folder, 'other')]
  await expect(front('qwen3-embedding', vllm, args)).rejects.toThrow(/refuses the key/)
})

async function numbers(server: ServerProcess, path: string, body: object): Promise<number[]> {
  const response = await server.post(path, body)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const { data, results } = (await response.json()) as { data?: Json[]; results?: Json[] }
  return [...(data ?? results ?? [])]
    .sort((a, b) => Number(a.index) - Number(b.index))
    .flatMap((item) => [item.embedding ?? item.data ?? item.probs ?? item.relevance_score].flat(3).map(Number))
}
