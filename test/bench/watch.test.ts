// Looking at servers, good and bad, over real sockets.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ServerReading, watchServer } from '#qvl/bench/watch.js'
import { type Behaviour, type ScriptedServer, scriptedServer } from './scripted-server.js'

const never: Behaviour = (response) => void response.writeHead(405).end()

interface Page {
  status?: number
  body?: string
}

const pages =
  (table: Readonly<Record<string, Page>>): Behaviour =>
  (response, { path }) => {
    const { status = 200, body = '' } = table[path] ?? { status: 404, body: '{"detail":"Not Found"}' }
    response.writeHead(status).end(body)
  }

const serving = (table: Readonly<Record<string, Page>>, socketPath?: string): Promise<ScriptedServer> =>
  scriptedServer(never, pages(table), socketPath)

const vllm = {
  '/metrics': { body: 'vllm:num_requests_running 1\n' },
  '/health': {},
  '/v1/models': { body: '{"object":"list","data":[{"id":"Qwen/Qwen3-Reranker-0.6B"}]}' },
  '/version': { body: '{"version":"0.11.0"}' },
}
const qvl = { ...vllm, '/health/ready': { body: '{"status":"ready","why":"It is warm."}' } }

async function look(url: string, apiKey?: string): Promise<ServerReading> {
  await using watch = watchServer({ url, apiKey, insecure: false })
  return await watch.read(new AbortController().signal)
}

describe('a server', () => {
  const metrics = vllm['/metrics'].body
  const names = { model: 'Qwen/Qwen3-Reranker-0.6B', version: '0.11.0' }
  const cases: [what: string, table: Record<string, Page>, expected: Partial<ServerReading>][] = [
    ['of vLLM', vllm, { state: 'ready', why: '', metrics, ...names }],
    ['of qvl', qvl, { state: 'ready', why: 'It is warm.', metrics, ...names }],
    [
      'that loads',
      { '/metrics': { body: '' }, '/health/ready': { status: 503, body: '{"status":"loading","why":"Not yet."}' } },
      { state: 'loading', why: 'Not yet.', metrics: '', model: undefined, version: undefined },
    ],
    [
      'that is ill',
      { ...vllm, '/health': { status: 503 } },
      { state: 'failed', why: '/health answers with status 503.' },
    ],
    ['with odd answers', { ...qvl, '/v1/models': { body: '[1' }, '/version': { body: '7' } }, { model: undefined }],
    ['that fails', { '/metrics': { status: 500 } }, { state: 'unreachable', metrics: undefined }],
  ]
  it.each(cases)('%s', async (_, table, expected) => {
    await using server = await serving(table)
    expect(await look(`${server.baseUrl}/`)).toMatchObject({ address: server.baseUrl, ...expected })
  })

  it('behind a prefix, and at a Unix socket', async () => {
    const prefixed = Object.fromEntries(Object.entries(qvl).map(([path, page]) => [`/qvl${path}`, page]))
    await using server = await serving(prefixed)
    expect((await look(`${server.baseUrl}/qvl`)).state).toBe('ready')
    const folder = await mkdtemp(join(tmpdir(), 'qvl-watch-'))
    await using local = await serving(qvl, join(folder, 'sock'))
    expect((await look(local.baseUrl)).state).toBe('ready')
    await rm(folder, { recursive: true })
  })

  it('gets the key with every question', async () => {
    await using server = await serving(qvl)
    await look(server.baseUrl, 'secret')
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill('Bearer secret'))
  })

  it('is asked its name once, and again when it was away', async () => {
    const table: Record<string, Page> = { ...qvl }
    await using server = await serving(table)
    await using watch = watchServer({ url: server.baseUrl, apiKey: undefined, insecure: false })
    const { signal } = new AbortController()
    const askedForName = (): number => server.received.filter(({ path }) => path === '/v1/models').length
    await watch.read(signal)
    await watch.read(signal)
    expect(askedForName()).toBe(1)
    table['/metrics'] = { status: 502 }
    expect((await watch.read(signal)).state).toBe('unreachable')
    table['/metrics'] = vllm['/metrics']
    expect((await watch.read(signal)).state).toBe('ready')
    expect(askedForName()).toBe(2)
  })
})

describe('what cannot be watched', () => {
  it.each([401, 403])('a server that wants a key: %i', async (status) => {
    await using server = await serving({ '/metrics': { status } })
    await expect(look(server.baseUrl)).rejects.toMatchObject({ code: 'UNAUTHORIZED', exit: 2 })
  })

  it('a server without metrics', async () => {
    await using server = await serving({ '/health': {} })
    await expect(look(server.baseUrl)).rejects.toMatchObject({ code: 'USAGE' })
  })

  it.each(['localhost:8000', 'ftp://a', 'http://a?b', 'http://a#b', '', 'unix:a'])('the address %j', async (url) => {
    expect(() => watchServer({ url, apiKey: undefined, insecure: false })).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
  })
})

describe('a server that is away', () => {
  it('is a reading that says why', async () => {
    const server = await serving(qvl)
    const url = server.baseUrl
    await server[Symbol.asyncDispose]()
    const why = `No answer from ${url}: nothing listens there.`
    expect(await look(url)).toMatchObject({ state: 'unreachable', why, metrics: undefined })
    expect((await look('unix:/nonexistent/sock')).why).toMatch(/there is no such socket\.$/)
  })

  it('or hangs, and the signal ends it', async () => {
    await using server = await scriptedServer(never, () => {})
    await using watch = watchServer({ url: server.baseUrl, apiKey: undefined, insecure: false })
    const stop = new AbortController()
    const reading = watch.read(stop.signal)
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(reading).rejects.toBe(reason)
  })
})
