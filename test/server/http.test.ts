// What a client meets before any handler: framing, limits, times, routing.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningServer } from '#qvl/server/server.js'
import { rawClient, rawExchange } from '../support/raw-http.js'
import { messageOf, openRows, startPlain } from './plain-server.js'

const MiB = 1024 * 1024

let server: RunningServer
const lines: string[] = []
const url = (path: string): string => `${server.address}${path}`
const head = (request: string, ...headers: string[]): string =>
  [`${request} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')

beforeAll(async () => {
  server = await startPlain({ limits: { maxBodyBytes: MiB, headerSeconds: 0.4, bodySeconds: 0.6 } }, lines)
})
afterAll(() => server.close())

/** After every case, the next good request is answered. */
async function expectAlive(): Promise<void> {
  const answer = await fetch(url('/echo'), { method: 'POST', headers: json, body: '"alive"' })
  expect([answer.status, await answer.text()]).toEqual([200, '"alive"'])
}

const json = { 'content-type': 'application/json' }

describe('routing', () => {
  const cases: { method: string; path: string; status: number; allow?: string; body?: unknown }[] = [
    { method: 'GET', path: '/nothing', status: 404, body: { detail: 'Not Found' } },
    { method: 'GET', path: '/echo', status: 405, allow: 'POST', body: { detail: 'Method Not Allowed' } },
    { method: 'DELETE', path: '/health', status: 405, allow: 'GET, HEAD' },
    { method: 'OPTIONS', path: '/echo', status: 405, allow: 'POST' },
    { method: 'HEAD', path: '/health', status: 200 },
    { method: 'GET', path: '/%68ealth?x=1', status: 200 },
    { method: 'GET', path: '/health%', status: 400 },
    { method: 'GET', path: '/v1%2Fecho', status: 404 },
    { method: 'GET', path: '/health/', status: 200 },
    { method: 'GET', path: '/health//', status: 404 },
  ]
  it.each(cases)('$method $path is $status', async ({ method, path, status, allow, body }) => {
    const answer = await fetch(url(path), { method })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('allow') ?? undefined).toBe(allow)
    const text = await answer.text()
    if (body !== undefined) expect(JSON.parse(text)).toEqual(body)
    if (method === 'HEAD') expect(text).toBe('')
  })

  it('takes the absolute form that proxies send', async () => {
    const answer = await rawExchange(server.port, head('GET http://localhost/health', 'Connection: close'))
    expect(answer.status).toBe(200)
  })

  it('answers below a root path, and without it', async () => {
    const rooted = await startPlain({ rootPath: '/qvl' })
    const answers = await Promise.all(
      ['/qvl/health', '/health', '/qvlhealth'].map((path) => fetch(rooted.address + path)),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404])
    await rooted.close()
  })
})

describe('bodies', () => {
  const post = (
    body: string | Uint8Array<ArrayBuffer> | undefined,
    headers: Record<string, string>,
  ): Promise<Response> => fetch(url('/echo'), { method: 'POST', headers, ...(body !== undefined && { body }) })

  const heads: { name: string; headers: Record<string, string>; status: number; code?: string }[] = [
    { name: 'no content type', headers: {}, status: 400 },
    { name: 'a form', headers: { 'content-type': 'application/x-www-form-urlencoded' }, status: 400 },
    { name: 'another JSON', headers: { 'content-type': 'application/jsonl' }, status: 400 },
    { name: 'JSON with a charset', headers: { 'content-type': 'Application/JSON; charset=utf-8' }, status: 200 },
    { name: 'gzip', headers: { ...json, 'content-encoding': 'gzip' }, status: 415 },
    { name: 'identity', headers: { ...json, 'content-encoding': 'identity' }, status: 200 },
  ]
  it.each(heads)('$name is $status', async ({ headers, status }) => {
    const answer = await post(new TextEncoder().encode('{}'), headers)
    expect(answer.status).toBe(status)
    await answer.arrayBuffer()
    await expectAlive()
  })

  it('one byte over the limit is 413 before it is read', async () => {
    const client = await rawClient(server.port)
    client.send(head('POST /echo', 'Content-Type: application/json', `Content-Length: ${MiB + 1}`))
    const answer = await client.answer()
    expect([answer.status, answer.headers.connection]).toEqual([413, 'close'])
    expect(JSON.parse(answer.body).error.message).toContain('--max-body-bytes')
    await client.ended()
    await expectAlive()
  })

  it('the limit itself is read', async () => {
    const answer = await post('x'.repeat(MiB), json)
    expect([answer.status, (await answer.text()).length]).toEqual([200, MiB])
  })

  it('chunks over the limit are 413 once counted', async () => {
    const client = await rawClient(server.port)
    client.send(head('POST /echo', 'Content-Type: application/json', 'Transfer-Encoding: chunked'))
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    for (let sent = 0; sent <= MiB; sent += 65_536) client.send(chunk)
    expect(await client.answer()).toMatchObject({ status: 413, headers: { connection: 'close' } })
    await client.ended()
    await expectAlive()
  })

  it('200,000 chunks of a byte are read', async () => {
    const patient = await startPlain()
    const client = await rawClient(patient.port)
    client.send(head('POST /echo', 'Content-Type: application/json', 'Transfer-Encoding: chunked'))
    for (let block = 0; block < 20; block++) client.send('1\r\nx\r\n'.repeat(10_000))
    client.send('0\r\n\r\n')
    const answer = await client.answer()
    expect([answer.status, answer.body.length]).toEqual([200, 200_000])
    client.close()
    await patient.close()
  })

  it('more chunks than allowed are 413', async () => {
    const strict = await startPlain({ limits: { maxBodyChunks: 100 } })
    const client = await rawClient(strict.port)
    client.send(head('POST /echo', 'Content-Type: application/json', 'Transfer-Encoding: chunked'))
    client.send('1\r\nx\r\n'.repeat(101))
    expect((await client.answer()).status).toBe(413)
    client.close()
    await strict.close()
  })

  it('waits for leave to send a body', async () => {
    const client = await rawClient(server.port)
    client.send(head('POST /echo', 'Content-Type: application/json', 'Content-Length: 2', 'Expect: 100-continue'))
    expect((await client.answer()).status).toBe(100)
    client.send('{}')
    expect(await client.answer()).toMatchObject({ status: 200, body: '{}' })
    client.close()
  })
})

describe('requests that are none', () => {
  const cases: { name: string; text: string; status: number }[] = [
    {
      name: 'Content-Length and Transfer-Encoding',
      text: `${head('POST /echo', 'Content-Type: application/json', 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      status: 400,
    },
    { name: 'headers of 17 KiB', text: head('GET /health', `X-Long: ${'x'.repeat(17 * 1024)}`), status: 431 },
    { name: 'no HTTP', text: 'hello\r\n\r\n', status: 400 },
    { name: 'no Host', text: 'GET /health HTTP/1.1\r\n\r\n', status: 400 },
    { name: 'a header without a name', text: head('GET /health', ': x'), status: 400 },
  ]
  it.each(cases)('$name is $status, and the connection is closed', async ({ text, status }) => {
    const client = await rawClient(server.port)
    client.send(text)
    const answer = await client.answer()
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body).error.code).toBe(status)
    if (status !== 400 || !text.startsWith('GET /health HTTP/1.1\r\n\r\n')) {
      expect(answer.headers.connection).toBe('close')
      await client.ended()
    }
    client.close()
    await expectAlive()
  })
})

describe('slow clients', () => {
  const times = [0.3, 0.9]
  it.each(times)('headers that trickle in are 408 after %f s', async (headerSeconds) => {
    const slow = await startPlain({ limits: { headerSeconds } })
    const client = await rawClient(slow.port)
    const started = performance.now()
    const trickle = setInterval(() => client.send('x'), 50)
    client.send('GET /health HTTP/1.1\r\nX-')
    const answer = await client.answer()
    clearInterval(trickle)
    expect(answer.status).toBe(408)
    expect(performance.now() - started).toBeGreaterThan(headerSeconds * 1000 - 50)
    await slow.close()
  })

  it.each(times)('a body that trickles in is 408 after %f s', async (bodySeconds) => {
    const slow = await startPlain({ limits: { bodySeconds } })
    const client = await rawClient(slow.port)
    const started = performance.now()
    client.send(head('POST /echo', 'Content-Type: application/json', 'Content-Length: 1000'))
    const trickle = setInterval(() => client.send('x'), 50)
    const answer = await client.answer()
    clearInterval(trickle)
    expect([answer.status, answer.headers.connection]).toEqual([408, 'close'])
    expect(answer.body).toContain('--body-timeout')
    expect(performance.now() - started).toBeGreaterThan(bodySeconds * 1000 - 50)
    await slow.close()
  })

  it('a client that reads nothing is cut off, and what it asked for is freed', async () => {
    const slow = await startPlain({ limits: { stalledSeconds: 0.3 } })
    const client = await rawClient(slow.port)
    client.socket.pause()
    client.send(head('GET /rows?n=100000'))
    for (let wait = 0; wait < 100 && slow.numConnections > 0; wait++) await sleep(50)
    expect([slow.numConnections, openRows.count]).toEqual([0, 0])
    client.close()
    await slow.close()
  })

  it.each([0.2, 0.7])('an idle connection is closed after %f s', async (keepAliveSeconds) => {
    const idle = await startPlain({ limits: { keepAliveSeconds } })
    const client = await rawClient(idle.port)
    client.send(head('GET /health'))
    await client.answer()
    const started = performance.now()
    await client.ended()
    expect(performance.now() - started).toBeGreaterThan(keepAliveSeconds * 1000 - 50)
    await idle.close()
  })
})

describe('many connections', () => {
  it('idle ones make room for clients with work', async () => {
    const small = await startPlain({ limits: { maxConnections: 50 } })
    const clients = await Promise.all(Array.from({ length: 100 }, () => rawClient(small.port)))
    const answer = await fetch(`${small.address}/health`)
    expect(answer.status).toBe(200)
    expect(small.numConnections).toBeLessThanOrEqual(50)
    for (const client of clients) client.close()
    await small.close()
  })

  it('where all are at work, the new one is refused', async () => {
    const small = await startPlain({ limits: { maxConnections: 3 } })
    const clients = await Promise.all(Array.from({ length: 3 }, () => rawClient(small.port)))
    for (const client of clients)
      client.send(`${head('POST /wait', 'Content-Type: application/json', 'Content-Length: 2')}{}`)
    await sleep(100)
    const late = await rawClient(small.port)
    expect(await late.ended()).toBe('')
    expect(small.numConnections).toBe(3)
    for (const client of clients) client.close()
    await small.close()
  })
})

describe('answers', () => {
  it('a long one streams; a short one has its length', async () => {
    const [long, short] = await Promise.all([fetch(url('/rows?n=300')), fetch(url('/rows?n=3'))])
    expect([long.headers.get('content-length'), short.headers.get('content-length')]).toEqual([null, '3072'])
    expect((await long.text()).length).toBe(300 * 1024)
    expect((await short.text()).length).toBe(3 * 1024)
    expect(openRows.count).toBe(0)
  })

  it('one that fails before its first bytes becomes an error, a later one a cut connection', async () => {
    const early = await fetch(url('/rows?n=300&fail=2'))
    expect([early.status, await messageOf(early)]).toEqual([500, expect.stringContaining('internal error')])
    const late = await fetch(url('/rows?n=300&fail=200'))
    expect(late.status).toBe(200)
    await expect(late.text()).rejects.toThrow()
    await expectAlive()
  })

  it('an error of our own tells nothing of the inside', async () => {
    const answer = await fetch(url('/broken'), { method: 'POST', headers: json, body: '{}' })
    const text = await answer.text()
    expect(answer.status).toBe(500)
    expect(text).not.toMatch(/secret|TypeError|at /)
    expect(lines.join('')).toContain('secret')
  })

  it('carries the id of the request and its times', async () => {
    const headers = { ...json, 'x-request-id': 'abc-1' }
    const answer = await fetch(url('/echo'), { method: 'POST', headers, body: '{}' })
    expect(answer.headers.get('x-request-id')).toBe('abc-1')
    expect(answer.headers.get('server-timing')).toBe('run;dur=1.3')
    const odd = await fetch(url('/health'), { headers: { 'x-request-id': 'x'.repeat(200) } })
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f]{16}$/)
  })
})
