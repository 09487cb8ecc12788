// Bad requests against a real server: each is answered as documented, and leaves nothing behind.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseAnswer, type RawAnswer, rawClient } from '../support/raw-http.js'
import { type ServerProcess, startServer, until, usageOf } from '../support/server.js'

const KiB = 1024
const good = { query: 'capital of China?', documents: ['Beijing.', 'Apples fall.'] }

let server: ServerProcess
let expected: string
let filesBefore: number

const resultsOf = async (answer: Response): Promise<string> => {
  const body = (await answer.json()) as { results: unknown }
  return JSON.stringify(body.results)
}

beforeAll(async () => {
  server = await startServer('qwen3-reranker', {
    args: ['--api-key', 'key', '--max-body-bytes', '1M', '--header-timeout', '0.7', '--max-connections', '300'],
  })
  expected = await resultsOf(await server.post('/v1/rerank', good, auth))
  filesBefore = usageOf(server.pid).files
})
afterAll(() => server.stop())

const auth = { authorization: 'Bearer key' }

afterEach(async () => {
  const ready = await fetch(`${server.url}/health/ready`)
  expect(ready.status).toBe(200)
  expect(await resultsOf(await server.post('/v1/rerank', good, auth))).toBe(expected)
  // fetch keeps a connection or two.
  await until(() => usageOf(server.pid).files <= filesBefore + 4)
})

interface Sent {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string
}

/** Exactly these bytes, with the headers of a good request where the case does not say otherwise. */
async function send({ method = 'POST', path = '/v1/rerank', headers = {}, body = '' }: Sent): Promise<RawAnswer> {
  const all = {
    ...{ host: '127.0.0.1', 'content-type': 'application/json', ...auth, connection: 'close' },
    ...(headers['transfer-encoding'] === undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const client = await rawClient(server.port)
  client.send(Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`))
  return parseAnswer(await client.ended())
}

const nested = (depth: number): string => `{"query":"q","documents":["d"],"x":${'['.repeat(depth)}${']'.repeat(depth)}}`

describe('bodies that are no requests', () => {
  const cases: { name: string; body: string; status: number; says?: RegExp }[] = [
    { name: '1: not JSON', body: '{"query": "q", documents}', status: 400 },
    { name: '1: cut short', body: '{"query": "q"', status: 400 },
    { name: '1: nothing', body: '', status: 400 },
    { name: '1: a list', body: '[]', status: 400 },
    { name: '2: 10,000 levels', body: nested(10_000), status: 400 },
    { name: '3: __proto__', body: '{"query":"q","documents":["d"],"__proto__":{"polluted":1}}', status: 400 },
    {
      name: '3: constructor',
      body: '{"query":"q","documents":["d"],"constructor":{"prototype":{"polluted":1}}}',
      status: 400,
    },
    { name: '4: a key twice', body: '{"query":"q","query":"r","documents":["d"]}', status: 400 },
    { name: '14: half a surrogate pair', body: '{"query":"\\ud800","documents":["d"]}', status: 400 },
  ]
  it.each(cases)('$name', async ({ body, status }) => {
    const answer = await send({ body })
    expect(answer.status).toBe(status)
    if (status === 400) expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 400 } })
    expect(answer.body).not.toContain('polluted')
  })

  it('14: bytes that are not UTF-8 are refused or replaced', async () => {
    const client = await rawClient(server.port)
    const body = Buffer.concat([
      Buffer.from('{"query":"'),
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.from('","documents":["d"]}'),
    ])
    client.send(
      `POST /v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer key\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    client.send(body)
    expect([200, 400]).toContain(parseAnswer(await client.ended()).status)
  })
})

describe('framing', () => {
  const cases: { name: string; sent: Sent; status: number }[] = [
    { name: '5: one byte over the limit', sent: { headers: { 'content-length': String(KiB * KiB + 1) } }, status: 413 },
    {
      name: '6: both lengths',
      sent: { headers: { 'content-length': '3', 'transfer-encoding': 'chunked' }, body: '0\r\n\r\n' },
      status: 400,
    },
    { name: '8: headers of 17 KiB', sent: { headers: { 'x-long': 'x'.repeat(17 * KiB) } }, status: 431 },
    { name: '12: an unknown path', sent: { path: '/v1/nothing' }, status: 404 },
    { name: '12: another method', sent: { method: 'DELETE' }, status: 405 },
    { name: '12: another content type', sent: { headers: { 'content-type': 'text/plain' }, body: '{}' }, status: 400 },
    { name: '12: gzip', sent: { headers: { 'content-encoding': 'gzip' }, body: 'x' }, status: 415 },
    {
      name: '13: a gzip bomb is not inflated',
      sent: { headers: { 'content-encoding': 'gzip, gzip' }, body: 'x' },
      status: 415,
    },
    { name: '15: a path in Host', sent: { headers: { host: 'localhost/v1/models?' } }, status: 400 },
    { name: '16: a wrong key', sent: { headers: { authorization: 'Bearer kez' } }, status: 401 },
    { name: '18: a page of another site', sent: { headers: { origin: 'https://evil' } }, status: 403 },
    { name: '18: a foreign name', sent: { headers: { host: 'evil.com' } }, status: 403 },
  ]
  it.each(cases)('$name is $status', async ({ sent, status }) => {
    const answer = await send(sent)
    expect(answer.status).toBe(status)
    expect(answer.headers.connection).toBe('close')
  })

  it('7: 200,000 chunks of a byte are read in flat memory', async () => {
    const before = usageOf(server.pid).residentMiB
    const client = await rawClient(server.port)
    client.send(
      'POST /v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer key\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    const blanks = '1\r\n \r\n'.repeat(10_000)
    for (let block = 0; block < 20; block++) client.send(blanks)
    client.send('0\r\n\r\n')
    // Blanks are no request.
    expect(parseAnswer(await client.ended()).status).toBe(400)
    // The garbage of reading; kept, the chunks would be 40 MiB, and come to that again with every request.
    expect(usageOf(server.pid).residentMiB - before).toBeLessThan(100)
  })

  it('9: headers of a byte at a time are 408', async () => {
    const client = await rawClient(server.port)
    const trickle = setInterval(() => client.send('x'), 100)
    client.send('GET /health HTTP/1.1\r\nX-')
    const answer = await client.answer()
    clearInterval(trickle)
    expect([answer.status, answer.headers.connection]).toEqual([408, 'close'])
    await client.ended()
  })

  it('11: 2000 idle connections do not keep a good client out', async () => {
    const clients = await Promise.all(Array.from({ length: 2000 }, () => rawClient(server.port).catch(() => undefined)))
    expect(await resultsOf(await server.post('/v1/rerank', good, auth))).toBe(expected)
    expect(usageOf(server.pid).files).toBeLessThan(filesBefore + 310)
    for (const client of clients) client?.close()
  })
})
