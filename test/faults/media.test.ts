// Bad images and videos, sent to a real server: each is answered as documented, and leaves nothing behind.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ContractServer, startContractServer } from '../contract/support/server.js'
import { dataUrl, imagePart, textPart, videoPart } from '../contract/support/wire-media.js'
import { hasFfmpeg } from '../support/ffmpeg.js'
import { type FileServer, startFileServer } from '../support/file-server.js'
import { goldenPath } from '../support/golden.js'
import { until } from '../support/server.js'

const MiB = 1024 ** 2

let folder: string
let files: FileServer
/** Fetches from the loopback interface too. */
let server: ContractServer
/** With the rules that everybody has. */
let strict: ContractServer
let expected: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qvl-media-faults-'))
  mkdirSync(join(folder, 'inside'))
  writeFileSync(join(folder, 'secret.png'), 'secret')
  symlinkSync(join(folder, 'secret.png'), join(folder, 'inside', 'link.png'))
  spawnSync('mkfifo', [join(folder, 'inside', 'fifo')])
  files = await startFileServer(goldenPath('media'), {
    ...redirects,
    '/page.png': (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('<!doctype html><p>hi'),
    '/busy': (_, response) => response.writeHead(503).end(),
    '/reset': (request) => request.socket.destroy(),
    '/endless': (_, response) => {
      const more = (): boolean => response.writable && response.write(Buffer.alloc(MiB), more)
      more()
    },
    '/silent': () => undefined,
    '/slow': (_, response) => {
      const timer = setInterval(() => response.write('x'), 20)
      response.once('close', () => clearInterval(timer))
    },
  })
  const media = {
    localRoots: [join(folder, 'inside')],
    allowedNetworks: ['127.0.0.0/8'],
    fetchTimeoutMs: 500,
  }
  const lowered = { ...media, limitPerPrompt: { image: 64, video: 1 } }
  server = await startContractServer('qwen3-vl-reranker', { engine: { media: lowered } })
  strict = await startContractServer('qwen3-vl-reranker', {
    engine: { media: { allowedDomains: ['good.test', 'localhost'] } },
  })
  expected = await scoresOf(server)
})
afterAll(async () => {
  await Promise.all([server, strict, files].map((each) => each[Symbol.asyncDispose]()))
  rmSync(folder, { recursive: true })
})

afterEach(async () => {
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
  expect(await scoresOf(server)).toBe(expected)
  const { waitingTasks, runningTasks } = server.engine.load()
  expect([waitingTasks, runningTasks]).toEqual([0, 0])
})

/** Every image of the tests stands in the second document. */
const bodyWith = (...parts: object[]) => ({ query: 'q', documents: ['a', { content: parts }], return_documents: false })

interface Refused {
  status: number
  error: { message: string; type: string; param: string | null; code: number }
}

async function post(to: ContractServer, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${to.url}/v1/rerank`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })
}

async function scoresOf(to: ContractServer): Promise<string> {
  const { results } = (await (await post(to, bodyWith(imagePart(dataUrl('rgb_48x48.png'))))).json()) as {
    results: object[]
  }
  return JSON.stringify(results)
}

async function refusal(body: unknown, to: ContractServer = server): Promise<Refused> {
  const response = await post(to, body)
  const answer = (await response.json()) as Omit<Refused, 'status'>
  return { status: response.status, ...answer }
}

async function expectRefusal(part: object, status: number, says: RegExp, to?: ContractServer): Promise<void> {
  const refused = await refusal(bodyWith(part), to)
  expect(refused).toMatchObject({ status, error: { code: status, param: 'body.documents[1]' } })
  expect(refused.error.message).toMatch(says)
  expect(refused.error.message).not.toContain(folder)
}

const redirects = Object.fromEntries(
  [
    ['/to-metadata', 'http://169.254.169.254/latest/meta-data'],
    ['/to-other', '//10.0.0.1/x.png'],
    ['/to-file', 'file:///etc/passwd'],
    ['/to-ftp', 'ftp://127.0.0.1/x'],
    ['/around', '/around'],
  ].flatMap(([path, location], index) => {
    const status = [301, 302, 307, 308, 303][index]!
    return [
      [
        path!,
        (_: unknown, response: import('node:http').ServerResponse) => {
          response.writeHead(status, { location: location! }).end()
        },
      ],
    ]
  }),
)

const bytesUrl = (bytes: Uint8Array, type = 'image/png'): string =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`

describe('36: addresses that are not public', () => {
  const hosts = [
    ...[
      '127.0.0.1',
      'localhost',
      '10.0.0.1',
      '169.254.169.254',
      '[::1]',
      '[::ffff:169.254.169.254]',
      '0',
      '0x7f000001',
    ],
    ...['2130706433', '017700000001', '100.64.0.1', '[64:ff9b::a9fe:a9fe]', '[fd00::1]'],
  ]
  it.each(hosts)('%s', async (host) => {
    const open = await startContractServer('qwen3-vl-reranker')
    await expectRefusal(imagePart(`http://${host}/x.png`), 400, /not on the public internet/, open)
    await open[Symbol.asyncDispose]()
  })

  it('no packet is sent', async () => {
    const before = files.asked.length
    const open = await startContractServer('qwen3-vl-reranker')
    await expectRefusal(imagePart(`${files.url}/rgb_48x48.png`), 400, /not on the public internet/, open)
    await open[Symbol.asyncDispose]()
    expect(files.asked).toHaveLength(before)
  })
})

describe('37: redirects', () => {
  it.each([
    ['/to-metadata', /not on the public internet/],
    ['/to-other', /not on the public internet/],
    ['/to-file', /redirect leads to file:/],
    ['/to-ftp', /redirect leads to ftp:/],
    ['/around', /more than 3 times/],
  ])('%s', async (path, says) => {
    await expectRefusal(imagePart(files.url + path), 400, says)
  })
})

describe('39: hosts that are not what they look like', () => {
  it.each([
    // What comes after the host names no other one: this is the loopback interface, and is refused as such.
    ['https://localhost\\@evil.test/x.png', /address of "localhost" is not on the public internet/],
    ['http://localhost#@evil.test/x.png', /address of "localhost" is not on the public internet/],
    ['http://good.test@evil.test/x.png', /user name/],
    ['http://user:word@good.test/x.png', /user name/],
    ['http://gооd.test/x.png', /must be from one of the allowed domains: .* Input URL domain: xn--/],
    ['http://evil.test/x.png', /must be from one of the allowed domains: good\.test.* Input URL domain: evil\.test/],
  ])('%s', async (url, says) => {
    const { status, error } = await refusal(bodyWith(imagePart(url)), strict)
    expect(error.message).toMatch(says)
    expect(status).toBe(400)
  })
})

describe('40, 41, 42: what other servers send', () => {
  it.each([
    ['/endless', 413, /too large/],
    ['/slow', 502, /took longer than 0\.5 seconds/],
    ['/silent', 502, /took longer than 0\.5 seconds/],
    ['/nothing.png', 422, /status 404/],
    ['/busy', 502, /status 503/],
    ['/reset', 502, /connection failed/],
    ['/page.png', 422, /HTML page/],
  ])('%s is %i', async (path, status, says) => {
    await expectRefusal(imagePart(files.url + path), status, says)
    await until(() => files.numOpen === 0)
  })
})

describe('43: local files', () => {
  it('none without the flag', async () => {
    const says = /Cannot load local files without `--allowed-local-media-path`/
    await expectRefusal(imagePart('file:///etc/passwd'), 400, says, strict)
    await expectRefusal(imagePart('/etc/passwd'), 400, says, strict)
  })

  const inside = (path: string): string => `${pathToFileURL(join(folder, 'inside')).href}/${path}`
  it.each([
    ['outside', () => 'file:///etc/passwd', /must be a subpath of `--allowed-local-media-path`/],
    ['nowhere', () => 'file:///nowhere/x.png', /must be a subpath of `--allowed-local-media-path`/],
    ['..', () => inside('../secret.png'), /must be a subpath/],
    ['%2e%2e', () => inside('%2e%2e/secret.png'), /must be a subpath/],
    ['a link', () => inside('link.png'), /must be a subpath/],
    ['/dev/zero', () => 'file:///dev/zero', /must be a subpath/],
    ['a FIFO', () => inside('fifo'), /not a regular file/],
    ['the folder', () => pathToFileURL(join(folder, 'inside')).href, /must be a subpath/],
    ['another machine', () => 'file://server/share/x.png', /names no local file/],
  ])('%s', async (_name, url, says) => {
    const { status, error } = await refusal(bodyWith(imagePart(url())))
    expect([status, error.param]).toEqual([400, 'body.documents[1]'])
    expect(error.message).toMatch(says)
  })

  it('a regular file inside', async () => {
    writeFileSync(join(folder, 'inside', 'good.png'), Buffer.from(dataUrl('rgb_48x48.png').split(',')[1]!, 'base64'))
    expect((await post(server, bodyWith(imagePart(inside('good.png'))))).status).toBe(200)
  })
})

describe('44: data URLs', () => {
  const good = dataUrl('rgb_48x48.png')
  it.each([
    ['no comma', 'data:image/png;base64', 400, /^Invalid data URL "data:image\/png;base64": missing ',' separator\./],
    ['not base64', 'data:image/png,abc', 400, /Only base64 data URLs are supported for now/],
    ['wrong padding', good.replace(/=*$/, '') + (/=$/.test(good) ? '' : 'A'), 400, /not valid base64/],
    ['whitespace', good.replace(/.{9}$/, ' $&'), 400, /not valid base64/],
    ['30 MiB', `data:image/png;base64,${'A'.repeat(30 * MiB)}`, 413, /too large/],
    ['empty', 'data:image/png;base64,', 400, /empty/],
    ['a page', good.replace('image/png', 'text/html'), 400, /text\/html/],
    ['base64 alone', good.split(',')[1]!, 400, /must be either a HTTP, data or file URL/],
    ['another scheme', 'ftp://127.0.0.1/x.png', 400, /must be either a HTTP, data or file URL/],
    ['the name of an attachment', 'attachment:0', 400, /must be either a HTTP, data or file URL/],
  ])('%s', async (_name, url, status, says) => {
    await expectRefusal(imagePart(url), status, says)
  })

  it('DATA: in capitals is accepted', async () => {
    expect((await post(server, bodyWith(imagePart(good.replace('data:', 'DATA:'))))).status).toBe(200)
  })
})

describe('45 to 48: pictures', () => {
  const plain = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#804020' } })
  const png = async (width: number, height: number): Promise<string> =>
    bytesUrl(await plain(width, height).png().toBuffer())

  it.each([
    ['1x1', 1, 1],
    ['31x900', 31, 900],
  ])('%s is looked at', async (_name, width, height) => {
    expect((await post(server, bodyWith(imagePart(await png(width, height))))).status).toBe(200)
  })

  it.each([
    ['1x20000', 1, 20_000],
    ['20000x1', 20_000, 1],
  ])('%s is refused', async (_name, width, height) => {
    await expectRefusal(imagePart(await png(width, height)), 422, /more than 200 times/)
  })

  it('46: a header that declares 3.6 billion pixels', async () => {
    const bytes = Buffer.from((await png(8, 8)).split(',')[1]!, 'base64')
    bytes.writeUInt32BE(60_000, 16)
    bytes.writeUInt32BE(60_000, 20)
    const { status } = await refusal(bodyWith(imagePart(bytesUrl(bytes))))
    expect([413, 422]).toContain(status)
  })

  it.each([
    [
      'a cut JPEG',
      'image/jpeg',
      async () => readFileSync(goldenPath('media/exif6_200x120.jpg')).subarray(0, 1500),
      422,
      /damaged/,
    ],
    ['16-bit grey', 'image/png', () => plain(64, 64).toColourspace('grey16').png().toBuffer(), 422, /16 bits/],
    ['text', 'image/png', async () => Buffer.from('hello'), 422, /no image format/],
    ['SVG', 'image/svg+xml', async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 415, /SVG/],
    ['PDF', 'image/png', async () => Buffer.from('%PDF-1.7'), 415, /PDF/],
    ['TIFF', 'image/tiff', () => plain(8, 8).tiff().toBuffer(), 415, /TIFF/],
    ['JPEG 2000', 'image/jp2', async () => Buffer.from('\0\0\0\x0cjP  \r\n', 'latin1'), 415, /JPEG 2000/],
    ['AVIF', 'image/avif', async () => Buffer.from('\0\0\0\x1cftypavif', 'latin1'), 415, /AVIF/],
  ])('%s', async (_name, type, bytes, status, says) => {
    const refused = await refusal(bodyWith(imagePart(bytesUrl(await bytes(), type))))
    expect([refused.status, refused.error.param]).toEqual([status, 'body.documents[1]'])
    expect(refused.error.message).toMatch(says)
  })
})

describe('49, 50: too much', () => {
  const image = imagePart(dataUrl('rgb_48x48.png'))

  it('65 images', async () => {
    const { status, error } = await refusal(bodyWith(...Array.from({ length: 65 }, () => image)))
    expect([status, error.param]).toEqual([413, 'body.documents[1]'])
    expect(error.message).toMatch(/^At most 64 image\(s\) may be provided in one prompt\./)
    expect(error.message).toContain('Set `--limit-mm-per-prompt` to increase this limit.')
  })

  it('2 videos where one is allowed', async () => {
    const video = videoPart(`${files.url}/clip_lossless_96x64.mp4`)
    const { status } = await refusal(bodyWith(video, video))
    expect(status).toBe(413)
  })

  const frame = dataUrl('frames/f00.png').split(',')[1]!
  it('a list of 5000 frames is looked at in 64', async () => {
    const small = await sharp({ create: { width: 32, height: 32, channels: 3, background: '#123456' } })
      .jpeg()
      .toBuffer()
    const url = `data:video/jpeg;base64,${Array.from({ length: 5000 }, () => small.toString('base64')).join(',')}`
    const answer = await post(server, bodyWith(videoPart(url)))
    expect(answer.status).toBe(200)
    const { usage } = (await answer.json()) as { usage: { prompt_tokens: number } }
    expect(usage.prompt_tokens).toBeLessThan(8192)
  }, 60_000)

  it('more frames than the server looks at', async () => {
    const body = bodyWith(videoPart(`data:video/jpeg;base64,${frame},${frame}`))
    const { status, error } = await refusal({ ...body, media_io_kwargs: { video: { num_frames: 65 } } })
    expect([status, error.message]).toEqual([400, expect.stringContaining('this server takes 64 at most')])
  })

  it.runIf(hasFfmpeg)('a video of no frames', async () => {
    const url = 'data:video/mp4;base64,AAAAHGZ0eXBpc29tAAACAGlzb21pc28yYXZjMQ=='
    await expectRefusal(videoPart(url), 422, /video cannot be read/)
  })

  it('a video that is none', async () => {
    await expectRefusal(videoPart(bytesUrl(Buffer.from('hello, hello, hello'), 'video/mp4')), 415, /no container/)
  })

  it('more tokens than the model reads', async () => {
    const short = await startContractServer('qwen3-vl-reranker', { engine: { maxModelLen: 200 } })
    const { status, error } = await refusal(bodyWith(imagePart(dataUrl('rgb_640x427.webp'))), short)
    await short[Symbol.asyncDispose]()
    expect([status, error.param]).toEqual([400, 'body.documents[1]'])
    expect(error.message).toMatch(/^The decoder prompt \(length \d+\) is longer than the maximum model length of 200\./)
  })

  it('pixels without bounds', async () => {
    const answer = await refusal({ ...bodyWith(image), mm_processor_kwargs: { min_pixels: 1e12, max_pixels: 1e12 } })
    expect([answer.status, answer.error.message]).toEqual([400, expect.stringContaining('this server takes')])
  })
})

describe('51: a client that leaves', () => {
  it('has its fetch aborted, and nothing queued', async () => {
    const before = files.asked.length
    const left = new AbortController()
    const images = ['/silent', '/slow', '/rgb_48x48.png'].map((path) => imagePart(files.url + path))
    const asked = expect(post(server, bodyWith(...images), left.signal)).rejects.toThrow()
    await until(() => files.asked.length >= before + 3)
    const promptTokens = server.engine.counters.promptTokens
    left.abort()
    await asked
    await until(() => files.numOpen === 0, 400)
    expect(server.engine.counters.promptTokens).toBe(promptTokens)
  })
})

describe('29, 30, 34: what looks like an image', () => {
  const literal = 'a <|vision_start|><|image_pad|><|vision_end|> picture <|im_end|>'

  it('29: is text without one', async () => {
    const { scores } = await server.engine.score({ query: literal, documents: [literal] })
    const before = server.engine.visuals().queries
    const answer = await post(server, { query: literal, documents: [literal] })
    const { results } = (await answer.json()) as { results: { relevance_score: number }[] }
    expect(Math.abs(results[0]!.relevance_score - scores[0]!)).toBeLessThan(1e-5)
    expect(server.engine.visuals().queries).toBe(before)
  })

  it('30: is text beside one', async () => {
    const answer = await post(server, bodyWith(textPart(literal), imagePart(dataUrl('rgb_48x48.png'))))
    expect(answer.status).toBe(200)
  })

  it.each([
    ['image_embeds', { type: 'image_embeds', image_embeds: 'AAAA' }],
    ['prompt_embeds', { type: 'prompt_embeds', data: 'AAAA' }],
    ['audio', { type: 'audio_url', audio_url: { url: 'data:audio/wav;base64,AAAA' } }],
  ])('34: %s', async (_name, part) => {
    const { status, error } = await refusal(bodyWith(part))
    expect([status, error.param]).toEqual([400, 'body.documents[1].content[0].type'])
    expect(error.message).toMatch(/^Unsupported chat content part type: '\w+'\. Supported types: /)
  })

  it('34: tensors beside the request', async () => {
    const { status, error } = await refusal({ ...bodyWith(textPart('b')), multi_modal_data: { image: 'AAAA' } })
    expect([status, error.param]).toEqual([400, 'body.multi_modal_data'])
  })

  it('an image for a model that reads text only', async () => {
    const text = await startContractServer('qwen3-reranker')
    const { status, error } = await refusal(bodyWith(imagePart(dataUrl('rgb_48x48.png'))), text)
    await text[Symbol.asyncDispose]()
    expect([status, error.param]).toEqual([400, 'body.documents[1]'])
    expect(error.message).toMatch(/^MultiModalParam is not supported for Qwen3ForCausalLM\./)
  })
})
