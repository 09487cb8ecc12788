// Who may ask: keys, Host and Origin, CORS.

import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiKeys } from '#qvl/server/http/api-keys.js'
import { routeTable } from '#qvl/server/routes.js'
import type { RunningServer } from '#qvl/server/server.js'
import { rawExchange } from '../support/raw-http.js'
import { startPlain } from './plain-server.js'

const key = 'sk-0123456789abcdef'

describe('keys', () => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startPlain({
      routes: routeTable({ documentation: true, page: true }),
      access: { apiKeys: [key, 'other'] },
    })
  })
  afterAll(() => server.close())

  const pages = ['/docs', '/redoc', '/openapi.json']
  const open = ['/health', '/health/ready', '/health/live', '/ping', ...pages]
  const isAsset = (path: string): boolean => /^\/(page|docs)\/[a-z-]+\.(js|css)$/.test(path)
  // Text Embeddings Inference computes at POST /.
  const isOpen = (method: string, path: string): boolean =>
    open.includes(path) || isAsset(path) || (method === 'GET' && path === '/')
  const rows = routeTable({ documentation: true, page: true }).flatMap(({ methods, paths }) =>
    methods.flatMap((method) => paths.map((path) => ({ method, path }))),
  )
  it.each(rows)('$method $path needs one, unless it is health or a page', async ({ method, path }) => {
    const answer = await fetch(server.address + path, { method, headers: { accept: 'text/html' } })
    const text = await answer.text()
    if (isOpen(method, path)) expect(answer.status).toBe(200)
    else expect([answer.status, text]).toEqual([401, '{"error":"Unauthorized"}'])
  })

  it('unknown paths need one too, and the body is not read before', async () => {
    const answer = await fetch(`${server.address}/nothing`)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const head = `POST /v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n`
    expect((await rawExchange(server.port, head)).status).toBe(401)
  })

  const headers: { name: string; lines: string[]; status: number }[] = [
    { name: 'the first key', lines: [`Authorization: Bearer ${key}`], status: 200 },
    { name: 'another key', lines: ['authorization: BEARER other'], status: 200 },
    { name: 'no scheme', lines: [`Authorization: ${key}`], status: 401 },
    { name: 'another scheme', lines: [`Authorization: Basic ${key}`], status: 401 },
    { name: 'a key of the same length', lines: [`Authorization: Bearer ${key.replace('f', 'g')}`], status: 401 },
    { name: 'a shorter key', lines: [`Authorization: Bearer ${key.slice(1)}`], status: 401 },
    { name: 'a longer key', lines: [`Authorization: Bearer ${key}0`], status: 401 },
    { name: 'an empty key', lines: ['Authorization: Bearer '], status: 401 },
    { name: 'two headers', lines: [`Authorization: Bearer ${key}`, `Authorization: Bearer ${key}`], status: 401 },
    {
      name: 'a wrong header before a right one',
      lines: ['Authorization: Bearer x', `Authorization: Bearer ${key}`],
      status: 401,
    },
  ]
  it.each(headers)('$name is $status', async ({ lines, status }) => {
    const head = ['GET /version HTTP/1.1', 'Host: localhost', 'Connection: close', ...lines, '', ''].join('\r\n')
    expect((await rawExchange(server.port, head)).status).toBe(status)
  })

  it('CVE-2026-48746: a Host header with a path in it does not change what is asked', async () => {
    const head = 'GET /v1/models HTTP/1.1\r\nHost: localhost/health?\r\n\r\n'
    expect(
      (await rawExchange(server.port, `${head}`.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).status,
    ).toBe(400)
  })

  it('metrics may be open', async () => {
    const scraped = await startPlain({ access: { apiKeys: [key], openMetrics: true } })
    const statuses = await Promise.all(
      ['/metrics', '/rows?n=1'].map(async (path) => (await fetch(scraped.address + path)).status),
    )
    expect(statuses).toEqual([200, 401])
    await scraped.close()
  })

  it('CVE-2025-59425: the time of a refusal tells nothing of the key', () => {
    const keys = apiKeys(['a'.repeat(64)])
    const medianNs = (token: string): number => {
      const times = Array.from({ length: 2001 }, () => {
        const start = process.hrtime.bigint()
        keys.allow([`Bearer ${token}`])
        return Number(process.hrtime.bigint() - start)
      })
      return times.sort((a, b) => a - b)[1000]!
    }
    medianNs('x')
    const [none, all] = [medianNs('b'.repeat(64)), medianNs(`${'a'.repeat(63)}b`)]
    // A loose bound: both hash the same number of bytes, and comparing 32 of them takes nanoseconds.
    expect(Math.max(none, all) / Math.min(none, all)).toBeLessThan(3)
  })
})

describe('sites', () => {
  const ask = async (server: RunningServer, headers: Record<string, string>, method = 'GET', path = '/health') => {
    const lines = Object.entries({ host: `localhost:${server.port}`, ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    return rawExchange(server.port, [`${method} ${path} HTTP/1.1`, ...lines, 'connection: close', '', ''].join('\r\n'))
  }

  const cases: { name: string; headers: Record<string, string>; status: number }[] = [
    { name: 'localhost', headers: {}, status: 200 },
    { name: 'an address', headers: { host: '127.0.0.1' }, status: 200 },
    { name: 'an IPv6 address', headers: { host: '[::1]:80' }, status: 200 },
    { name: 'a foreign name', headers: { host: 'evil.com' }, status: 403 },
    { name: 'a name that begins well', headers: { host: 'localhost.evil.com' }, status: 403 },
    { name: 'an allowed name', headers: { host: 'Models.Example:8080' }, status: 200 },
    { name: 'no name', headers: { host: '' }, status: 400 },
    { name: 'a page of another site', headers: { origin: 'https://evil.com' }, status: 403 },
    { name: 'a sandboxed page', headers: { origin: 'null' }, status: 403 },
    { name: 'a page of another port', headers: { origin: 'http://localhost:1' }, status: 403 },
  ]
  it.each(cases)('on loopback, $name is $status', async ({ headers, status }) => {
    const server = await startPlain({ access: { allowedHosts: ['models.example'] } })
    expect((await ask(server, headers)).status).toBe(status)
    await server.close()
  })

  it('a page of the server itself may use it', async () => {
    const server = await startPlain()
    const answer = await ask(server, { origin: `http://localhost:${server.port}` })
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined])
    await server.close()
  })

  it('allowed origins get CORS headers, others are refused', async () => {
    const server = await startPlain({ access: { allowedOrigins: ['https://good.example'], allowCredentials: true } })
    const good = await ask(server, { origin: 'https://good.example' })
    expect(good).toMatchObject({
      status: 200,
      headers: {
        'access-control-allow-origin': 'https://good.example',
        'access-control-allow-credentials': 'true',
        vary: 'Origin',
      },
    })
    expect((await ask(server, { origin: 'https://evil.example' })).status).toBe(403)
    await server.close()
  })

  it('a preflight is answered without a key', async () => {
    const server = await startPlain({ access: { allowedOrigins: ['*'], apiKeys: [key] } })
    const headers = {
      origin: 'https://any.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    }
    expect(await ask(server, headers, 'OPTIONS', '/echo')).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, OPTIONS',
        'access-control-allow-headers': 'authorization,content-type',
      },
    })
    await server.close()
  })

  it('elsewhere than on loopback, names are not looked at, and pages of other sites cannot read', async () => {
    const server = await startPlain({ listen: { host: '0.0.0.0', port: 0 } })
    const answer = await ask(server, { host: 'models.example', origin: 'https://evil.example' })
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined])
    await server.close()
  })
})

describe('a Unix socket', () => {
  it('is listened at, cleared up when its owner is gone, and not taken from a living one', async () => {
    const socketPath = `/tmp/qvl-test-${process.pid}.sock`
    const server = await startPlain({ listen: { socketPath } })
    const text = await new Promise<string>((resolve) => {
      const socket = connect(socketPath, () =>
        socket.write('GET /health HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n'),
      )
      socket.setEncoding('utf8').once('data', resolve)
    })
    expect([server.address, text.slice(0, 15)]).toEqual([`unix:${socketPath}`, 'HTTP/1.1 200 OK'])
    await expect(startPlain({ listen: { socketPath } })).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
    await server.close()
  })
})
