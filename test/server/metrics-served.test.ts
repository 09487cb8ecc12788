// What an operator sees of a running server: metrics, load, health, documentation and the log.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { type ServerProcess, startServer } from '../support/server.js'

const model = 'the-model'

let server: ServerProcess
beforeAll(async () => {
  const quiet = ['--disable-access-log-for-endpoints', '/version,/load']
  const args = ['--served-model-name', model, '--log-format', 'json', ...quiet]
  server = await startServer('qwen3-reranker', { args })
})
afterAll(() => server?.stop())

const get = (path: string): Promise<Response> => fetch(server.url + path)

const post = (path: string, body: unknown, headers?: Record<string, string>): Promise<Response> =>
  server.post(path, body, headers)

const ranking = { query: 'What is the capital of Japan?', documents: ['Tokyo.', 'Water boils at 100 °C.', 'Paris.'] }

/** The value of the one sample whose name, labels included, contains all of these. */
async function sample(...parts: string[]): Promise<number> {
  const text = await (await get('/metrics')).text()
  const lines = text.split('\n').filter((line) => parts.every((part) => line.includes(part)) && !line.startsWith('#'))
  expect(lines, parts.join()).toHaveLength(1)
  return Number(lines[0]?.split(' ').at(-1))
}

const logLines = (): Record<string, unknown>[] =>
  server.output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('metrics', () => {
  it('count the tokens, the inputs and the prefix that documents share', async () => {
    const names = [
      ['vllm:prompt_tokens_total'],
      ['vllm:prompt_tokens_cached_total'],
      ['qvl_computed_tokens_total'],
      ['vllm:request_success_total', '"stop"'],
      ['vllm:e2e_request_latency_seconds_count'],
      ['http_requests_total', '"/v2/rerank"'],
    ]
    await post('/v2/rerank', ranking)
    const before = await Promise.all(names.map((parts) => sample(...parts)))
    const { usage } = (await (await post('/v2/rerank', ranking)).json()) as { usage: { prompt_tokens: number } }
    const after = await Promise.all(names.map((parts) => sample(...parts)))
    const [prompt, cached, computed, finished, answered, requests] = after.map((value, index) => value - before[index]!)
    expect(prompt).toBe(usage.prompt_tokens)
    expect(cached).toBeGreaterThan(0)
    expect(computed).toBe(prompt! - cached!)
    expect([finished, answered, requests]).toEqual([ranking.documents.length, 1, 1])
  })

  it('show the engine at rest', async () => {
    expect(await sample('vllm:num_requests_running')).toBe(0)
    expect(await sample('vllm:num_requests_waiting')).toBe(0)
    expect(await sample('vllm:prefix_cache_queries_total')).toBeGreaterThan(0)
    const keeps = hasAddon() ? 'True' : 'False'
    expect(await sample('vllm:cache_config_info', `enable_prefix_caching="${keeps}"`)).toBe(1)
    expect(await sample('qvl_build_info', 'device=')).toBe(1)
  })

  it('count what was refused', async () => {
    const before = await sample('qvl_http_responses_total', '"400"').catch(() => 0)
    await post('/v1/rerank', { query: 'q' })
    expect(await sample('qvl_http_responses_total', '"400"')).toBe(before + 1)
  })

  it('have the content type that Prometheus reads', async () => {
    expect((await get('/metrics')).headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  })
})

describe('what a server says of itself', () => {
  it.each([
    ['GET', '/health', 200, ''],
    ['GET', '/ping', 200, ''],
    ['POST', '/ping', 200, ''],
    ['GET', '/load', 200, '{"server_load":0}'],
    ['GET', '/health/ready', 200, '{"status":"ready",'],
    ['GET', '/health/live', 200, '{"status":"alive",'],
    ['GET', '/version', 200, '{"version":"'],
  ])('%s %s', async (method, path, status, body) => {
    const response = await fetch(server.url + path, { method })
    expect(response.status).toBe(status)
    const text = await response.text()
    expect(body === '' ? text : text.slice(0, body.length)).toBe(body)
  })

  it('its model, as vLLM lists it', async () => {
    const { data } = (await (await get('/v1/models')).json()) as { data: Record<string, unknown>[] }
    expect(data).toHaveLength(1)
    expect(Object.keys(data[0]!)).toEqual([
      'id',
      'object',
      'created',
      'owned_by',
      'root',
      'parent',
      'max_model_len',
      'permission',
    ])
    expect(data[0]).toMatchObject({ id: model, owned_by: 'vllm', parent: null })
  })
})

describe('documentation', () => {
  it.each([
    ['/docs', 'text/html; charset=utf-8'],
    ['/redoc', 'text/html; charset=utf-8'],
    ['/docs/app.js', 'text/javascript; charset=utf-8'],
    ['/docs/style.css', 'text/css; charset=utf-8'],
    ['/openapi.json', 'application/json'],
  ])('%s', async (path, type) => {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect((await response.text()).length).toBeGreaterThan(1000)
  })

  it('every example of /openapi.json is answered by one of the two kinds of model', async () => {
    const { paths } = (await (await get('/openapi.json')).json()) as {
      paths: Record<string, { post?: { requestBody?: { content: Record<string, { example?: unknown }> } } }>
    }
    const examples = Object.entries(paths).flatMap(([path, { post: operation }]) => {
      const example = operation?.requestBody?.content['application/json']?.example
      // These ids are of the real vocabulary, and this one is small.
      return example === undefined || path === '/detokenize' ? [] : [{ path, example }]
    })
    expect(examples.length).toBeGreaterThan(10)
    await using embedder = await startServer('qwen3-embedding')
    for (const { path, example } of examples) {
      const statuses = await Promise.all([server, embedder].map((each) => each.post(path, example)))
      // Each model can do its own part, and says so of the rest.
      expect(
        statuses.map(({ status }) => status),
        path,
      ).toContain(200)
    }
  })

  it('is gone with --disable-fastapi-docs', async () => {
    await using bare = await startServer('qwen3-reranker', { args: ['--disable-fastapi-docs'] })
    for (const path of ['/docs', '/redoc', '/docs/app.js', '/openapi.json']) {
      expect((await fetch(bare.url + path)).status).toBe(404)
    }
  })
})

describe('the log', () => {
  it('has a line for each request, with its id and without its texts', async () => {
    await post('/v1/rerank?key=secret', ranking, { 'x-request-id': 'watch-me', authorization: 'Bearer hidden' })
    await post('/v1/rerank', { query: 1 }, { 'x-request-id': 'wrong-one' })
    await expect.poll(() => logLines().filter(({ id }) => id === 'wrong-one').length).toBe(1)
    const [line] = logLines().filter(({ id }) => id === 'watch-me')
    expect(line).toMatchObject({ level: 'info', message: 'POST /v1/rerank 200', items: 3 })
    expect(line?.tokens).toBeGreaterThan(0)
    expect(logLines().find(({ id }) => id === 'wrong-one')).toMatchObject({ code: 'REQUEST_SCHEMA' })
    for (const secret of ['Tokyo', 'secret', 'hidden']) expect(server.output).not.toContain(secret)
  })

  it('has no line for any request with --disable-log-requests', async () => {
    await using silent = await startServer('qwen3-reranker', { args: ['--disable-log-requests'] })
    expect((await silent.post('/v1/rerank', ranking)).status).toBe(200)
    silent.kill('SIGINT')
    await silent.ended
    expect(silent.output).toContain('Listening')
    expect(silent.output).not.toContain('/v1/rerank')
  })

  it('leaves out the endpoints it was told to', async () => {
    await get('/version')
    await get('/health')
    await expect.poll(() => server.output).toContain('GET /health 200')
    expect(server.output).not.toContain('GET /version')
  })
})
