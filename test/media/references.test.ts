import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AddressRules, parseNetworks } from '#qvl/media/addresses.js'
import { type FetchOptions, MediaFetcher } from '#qvl/media/fetch.js'
import type { LocalRules } from '#qvl/media/local-file.js'
import { readReference } from '#qvl/media/references.js'

const publicOnly = new AddressRules(parseNetworks([]))
const withLoopback = new AddressRules(parseNetworks(['127.0.0.0/8', '::1/128']))

const options: FetchOptions = {
  allowedDomains: [],
  addresses: withLoopback,
  maxRedirects: 3,
  connectTimeoutMs: 2_000,
  totalTimeoutMs: 4_000,
}

let requests = 0
let server: Server
let origin = ''
const answers: Record<string, RequestListener> = {
  '/ok': (_, response) => response.end('image'),
  '/missing': (_, response) => response.writeHead(404).end(),
  '/busy': (_, response) => response.writeHead(503).end(),
  '/reset': (request) => request.socket.destroy(),
  '/endless': (_, response) => {
    const write = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
      if (!response.destroyed) response.once('drain', write)
    }
    write()
  },
  '/declares': (_, response) => response.writeHead(200, { 'content-length': 10 * 2 ** 30 }).write('x'),
  '/never': () => undefined,
  '/trickle': (_, response) => {
    const timer = setInterval(() => response.write('x'), 50)
    response.on('close', () => clearInterval(timer))
  },
  '/to-ok': (_, response) => response.writeHead(302, { location: '/ok' }).end(),
  '/to-private': (_, response) => response.writeHead(307, { location: 'http://169.254.169.254/latest' }).end(),
  '/to-slashes': (_, response) => response.writeHead(301, { location: '//10.0.0.1/x' }).end(),
  '/to-file': (_, response) => response.writeHead(308, { location: 'file:///etc/passwd' }).end(),
  '/to-ftp': (_, response) => response.writeHead(302, { location: 'ftp://127.0.0.1/x' }).end(),
  '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
}

beforeAll(async () => {
  server = createServer((request, response) => {
    requests++
    const answer = answers[request.url ?? '']
    if (answer === undefined) response.writeHead(404).end()
    else answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function fetchWith(changes: Partial<FetchOptions>, reference: string, maxBytes = 1 << 20): Promise<string> {
  await using fetcher = new MediaFetcher({ ...options, ...changes })
  return Buffer.from(await fetcher.fetch(reference, maxBytes)).toString()
}

describe('addresses that are not public are not dialled', () => {
  it.each([
    'http://127.0.0.1/',
    'http://localhost/',
    'http://10.1.2.3/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[::ffff:7f00:1]/',
    'http://0/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://017700000001/',
    'http://100.64.0.1/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[2002:7f00:1::]/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://224.0.0.1/',
  ])('%s', async (url) => {
    const before = requests
    await expect(fetchWith({ addresses: publicOnly }, url)).rejects.toMatchObject({ code: 'MEDIA_BLOCKED' })
    expect(requests).toBe(before)
  })

  it.each([
    ['8.8.8.8', true],
    ['2606:4700::1111', true],
    ['::ffff:8.8.8.8', true],
    ['172.32.0.1', true],
    ['not an address', false],
  ])('%s: %s', (address, allowed) => expect(publicOnly.isAllowed(address)).toBe(allowed))

  it('an allowed network is', async () => {
    expect(await fetchWith({}, `${origin}/ok`)).toBe('image')
    expect(() => parseNetworks(['10.0.0.0/40'])).toThrowError(/not a network/)
  })
})

describe('names', () => {
  const port = (): string => new URL(origin).port

  it('are resolved once, and what was checked is dialled', async () => {
    let lookups = 0
    const lookup: FetchOptions['lookup'] = (_, done) =>
      done(null, [{ address: ++lookups === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }])
    expect(await fetchWith({ lookup }, `http://pictures.test:${port()}/ok`)).toBe('image')
    expect(lookups).toBe(1)
  })

  it('with one bad address among good ones are refused', async () => {
    const lookup: FetchOptions['lookup'] = (_, done) =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ])
    const fetched = fetchWith({ lookup }, `http://pictures.test:${port()}/ok`)
    await expect(fetched).rejects.toMatchObject({ code: 'MEDIA_BLOCKED' })
  })

  it.each([
    { url: 'http://good.test\\@evil.test/', host: 'good.test' },
    { url: 'http://good.test#@evil.test/', host: 'good.test' },
    { url: 'http://GOOD.test./', host: 'good.test' },
    { url: 'http://go\tod.te\nst/', host: 'good.test' },
  ])('$url is asked of $host', async ({ url, host }) => {
    let asked = ''
    const lookup: FetchOptions['lookup'] = (hostname, done) => {
      asked = hostname
      done(null, [{ address: '10.0.0.1', family: 4 }])
    }
    const fetched = fetchWith({ lookup, allowedDomains: ['good.test'] }, url)
    await expect(fetched).rejects.toMatchObject({
      code: 'MEDIA_BLOCKED',
      message: expect.stringMatching(/public internet/),
    })
    expect(asked.replace(/\.$/, '')).toBe(host)
  })

  it.each([
    'http://evil.test/',
    'http://good.test.evil.test/',
    'http://xn--god-bna.test/',
    'http://good.test@evil.test/',
    'http://user:secret@good.test/',
  ])('%s is not one of the allowed domains', async (url) => {
    const fetched = fetchWith({ allowedDomains: ['good.test'] }, url)
    await expect(fetched).rejects.toMatchObject({ code: 'MEDIA_BLOCKED' })
  })
})

describe('redirects', () => {
  it('are followed', async () => expect(await fetchWith({}, `${origin}/to-ok`)).toBe('image'))

  it.each(['/to-private', '/to-slashes', '/to-file', '/to-ftp', '/loop'])('%s is stopped', async (path) => {
    await expect(fetchWith({}, origin + path)).rejects.toMatchObject({ code: 'MEDIA_BLOCKED' })
  })
})

describe('the other server', () => {
  it.each([
    { path: '/missing', code: 'MEDIA_NOT_FOUND' },
    { path: '/busy', code: 'MEDIA_UNAVAILABLE' },
    { path: '/reset', code: 'MEDIA_UNAVAILABLE' },
    { path: '/endless', code: 'MEDIA_TOO_LARGE' },
    { path: '/declares', code: 'MEDIA_TOO_LARGE' },
  ])('$path: $code', async ({ path, code }) => {
    await expect(fetchWith({}, origin + path)).rejects.toMatchObject({ code })
  })

  it.each([300, 600])('is given up after %i ms', async (totalTimeoutMs) => {
    for (const path of ['/never', '/trickle']) {
      const started = performance.now()
      await expect(fetchWith({ totalTimeoutMs }, origin + path)).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' })
      expect(performance.now() - started).toBeGreaterThan(totalTimeoutMs - 50)
    }
  })

  it('is left when the client leaves', async () => {
    await using fetcher = new MediaFetcher(options)
    const controller = new AbortController()
    const fetched = fetcher.fetch(`${origin}/never`, 1000, controller.signal)
    const reason = new Error('the client left')
    setTimeout(() => controller.abort(reason), 50)
    await expect(fetched).rejects.toBe(reason)
  })
})

describe('references', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qvl-references-'))
  const inside = join(folder, 'inside')
  mkdirSync(join(inside, 'sub'), { recursive: true })
  writeFileSync(join(inside, 'sub', 'a.png'), 'image')
  writeFileSync(join(folder, 'secret.png'), 'secret')
  symlinkSync(join(folder, 'secret.png'), join(inside, 'link.png'))
  symlinkSync(join(inside, 'sub', 'a.png'), join(inside, 'good-link.png'))
  if (process.platform !== 'win32') execFileSync('mkfifo', [join(inside, 'fifo')])
  const fetcher = new MediaFetcher(options)
  afterAll(async () => {
    await fetcher.close()
    rmSync(folder, { recursive: true })
  })

  const none: LocalRules = { roots: [] }
  const some: LocalRules = { roots: [inside], base: inside }
  const url = (path: string): string => pathToFileURL(path).href
  const read = (reference: string, local: LocalRules) => readReference(reference, 'image', { fetcher, local })

  it.each([
    { reference: 'data:image/png;base64,aW1hZ2U=', local: none },
    { reference: 'DATA:image/png;BASE64,aW1hZ2U=', local: none },
    { reference: 'data:image/png;name=x;base64,aW1hZ2U=', local: none },
    { reference: url(join(inside, 'sub/a.png')), local: some },
    { reference: 'sub/a.png', local: some },
    { reference: 'good-link.png', local: some },
    { reference: 'sub/../sub/a.png', local: some },
    { reference: join(inside, 'sub/a.png'), local: some },
  ])('$reference is read', async ({ reference, local }) => {
    expect(Buffer.from(await read(reference, local)).toString()).toBe('image')
  })

  const refusals: { reference: string; local?: LocalRules; code: string; text?: RegExp }[] = [
    { reference: 'data:image/png;base64', code: 'REQUEST_INVALID', text: /missing ','/ },
    { reference: 'data:image/png,abc', code: 'REQUEST_INVALID', text: /base64/ },
    { reference: 'data:image/png;base64,', code: 'REQUEST_INVALID', text: /empty/ },
    { reference: 'data:image/png;base64,aW1hZ2U', code: 'REQUEST_INVALID', text: /padding/ },
    { reference: 'data:image/png;base64,aW1h Z2U=', code: 'REQUEST_INVALID' },
    { reference: 'data:image/png;base64,aW1hZ2U=\n', code: 'REQUEST_INVALID' },
    { reference: 'data:text/html;base64,aW1hZ2U=', code: 'REQUEST_INVALID', text: /text\/html/ },
    { reference: `data:image/png;base64,${'A'.repeat(30 * 2 ** 20)}`, code: 'MEDIA_TOO_LARGE' },
    { reference: 'ftp://127.0.0.1/x', code: 'REQUEST_INVALID', text: /HTTP, data or file/ },
    { reference: 'aW1hZ2U=', code: 'REQUEST_INVALID', text: /HTTP, data or file/ },
    { reference: 'sub/a.png', local: { roots: [inside] }, code: 'REQUEST_INVALID', text: /HTTP, data or file/ },
    { reference: url('/etc/passwd'), code: 'MEDIA_BLOCKED', text: /--allowed-local-media-path/ },
    { reference: url('/etc/passwd'), local: some, code: 'MEDIA_BLOCKED' },
    { reference: '../secret.png', local: some, code: 'MEDIA_BLOCKED' },
    { reference: 'link.png', local: some, code: 'MEDIA_BLOCKED' },
    { reference: `${url(inside)}/%2e%2e/secret.png`, local: some, code: 'MEDIA_BLOCKED' },
    { reference: `${url(inside)}/sub%2fa.png`, local: some, code: 'REQUEST_INVALID' },
    { reference: 'file://server/share/a.png', local: some, code: 'REQUEST_INVALID' },
    { reference: '/dev/zero', local: some, code: 'MEDIA_BLOCKED' },
    { reference: '/dev/zero', local: { roots: ['/dev'] }, code: 'MEDIA_BLOCKED', text: /regular/ },
    { reference: 'fifo', local: some, code: 'MEDIA_BLOCKED', text: /regular/ },
    { reference: 'sub', local: some, code: 'MEDIA_BLOCKED', text: /regular/ },
    { reference: '.', local: some, code: 'MEDIA_BLOCKED' },
    { reference: '/nowhere/at/all.png', local: some, code: 'MEDIA_BLOCKED', text: /must be a subpath/ },
    { reference: 'nowhere.png', local: some, code: 'MEDIA_NOT_FOUND' },
    { reference: 'a\0b', local: some, code: 'REQUEST_INVALID', text: /zero byte/ },
  ]
  it.each(refusals)('$reference is refused', async ({ reference, local = none, code, text = /./ }) => {
    await expect(read(reference, local)).rejects.toMatchObject({ code, message: expect.stringMatching(text) })
  })
})
