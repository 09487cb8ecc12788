// Lines with images through the offline commands: what is read ahead, where chunks end, and how runs go on.

import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import type { Engine } from '#qvl/engine/requests.js'
import { takeChunk } from '#qvl/offline/chunks.js'
import { LineReader } from '#qvl/offline/lines.js'
import { PreparedLines } from '#qvl/offline/prepared-lines.js'
import { type RunFileOptions, runEmbedFile } from '#qvl/offline/run-file.js'
import { goldenPath } from '../support/golden.js'
import { goldenMedia } from '../support/vl-cases.js'
import { embedLines, toStream } from './run-lines.js'

let engine: Engine
beforeAll(async () => {
  engine = await openEngine({
    model: goldenPath('checkpoints/qwen3-vl-embedding'),
    dtype: 'float32',
    media: { ...goldenMedia, allowedNetworks: ['127.0.0.0/8'] },
  })
})
afterAll(() => engine.close())

const context = () => ({ engine, command: 'embed', format: 'jsonl', defaults: {}, explain: false }) as const

const images = ['rgb_48x48.png', 'rgba_80x112.png', 'la_96x64.png', 'palette_31x900.png', 'frames/f00.png']
const jsonLines = (values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join('\n')

/** Images, texts, blank lines, images that are not there and lines that are no JSON. */
const mixed = `${jsonLines(
  Array.from({ length: 40 }, (_, id) => {
    if (id % 11 === 5) return { id, image: 'nowhere.png' }
    if (id % 7 === 3) return { id, text: `text number ${id}` }
    return { id, image: images[id % images.length], ...(id % 2 === 0 && { text: `picture ${id}` }) }
  }),
)}\n\n{oops\n"the end"`

describe('a file', () => {
  it.each([1, 9, 20, 33])('resumes to the same bytes when it was cut after %i lines', async (numLines) => {
    const folder = await mkdtemp(join(tmpdir(), 'qvl-media-'))
    try {
      const chunkLimits = { maxTokens: 100, maxLines: 8 }
      const run = (name: string, options: Partial<RunFileOptions> = {}) =>
        runEmbedFile({ engine, input: toStream(mixed), output: { file: join(folder, name) }, chunkLimits, ...options })
      const uncut = await run('uncut')
      expect(uncut).toMatchObject({ lines: 42, failed: 5 })
      const stop = new AbortController()
      const onProgress: RunFileOptions['onProgress'] = ({ lines }) => {
        if (lines > numLines) stop.abort()
      }
      expect(await run('cut', { signal: stop.signal, onProgress })).toMatchObject({ aborted: true })
      // Another process has seen none of the images.
      await using fresh = await openEngine({
        model: goldenPath('checkpoints/qwen3-vl-embedding'),
        dtype: 'float32',
        media: goldenMedia,
      })
      const { resumedLines } = await run('cut', { resume: true, engine: fresh })
      expect(resumedLines).toBeGreaterThanOrEqual(numLines - chunkLimits.maxLines)
      expect(await readFile(join(folder, 'cut'), 'utf8')).toBe(await readFile(join(folder, 'uncut'), 'utf8'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('stops at a bad image when it is strict', async () => {
    const input = jsonLines(['a', { image: 'rgb_48x48.png' }, { image: 'nowhere.png' }, 'b'])
    const run = embedLines(input, { engine, strict: true })
    await expect(run).rejects.toMatchObject({
      code: 'MEDIA_NOT_FOUND',
      message: expect.stringContaining('Line 3 cannot be answered.'),
    })
  })

  it('is not held up by an image that cannot be decoded', async () => {
    const torn = (await readFile(goldenPath('media/rgb_640x427.webp'))).subarray(0, 20_000)
    const image = `data:image/webp;base64,${torn.toString('base64')}`
    const { lines } = await embedLines(jsonLines(['a', { image }, { image: 'rgb_48x48.png' }]), { engine })
    expect(lines.map((line) => 'embedding' in line)).toEqual([true, false, true])
    expect(lines[1]).toMatchObject({ error: { code: 'MEDIA_INVALID' } })
  })
})

describe('chunks', () => {
  const texts = ['a', { image: 'rgb_640x427.webp' }, 'b', { image: 'rgb_640x427.webp', text: 'c' }, 'd', 'e']
  const input = `${jsonLines(texts)}\n`

  it.each([
    ['tokens', { maxTokens: 200 }, [2, 2, 2]],
    ['lines', { maxLines: 4 }, [4, 2]],
    ['bytes of images', { maxMediaBytes: 50_000 }, [2, 2, 2]],
    ['nothing', {}, [6]],
  ])('end with %s, whatever was read ahead', async (_, limits, sizes) => {
    const { signal } = new AbortController()
    const lines = new PreparedLines(new LineReader(Readable.from([Buffer.from(input)])), 0, {
      context: context(),
      signal,
    })
    const all = { maxTokens: 100_000, maxLines: 100, maxMediaBytes: 1e9, strict: false, ...limits }
    const rows = input.split('\n').slice(0, -1)
    let numTaken = 0
    for (const size of sizes) {
      const chunk = await takeChunk(lines, all)
      numTaken += size
      const before = rows.slice(0, numTaken).map((row) => `${row}\n`)
      expect(chunk!.items).toHaveLength(size)
      expect(chunk!.end).toMatchObject({ lines: numTaken, bytes: before.join('').length })
    }
    expect(await takeChunk(lines, all)).toBeUndefined()
  })
})

describe('the network', () => {
  /** A server of one image, which answers when it is told to. */
  async function imageServer() {
    const image = await readFile(goldenPath('media/rgb_48x48.png'))
    const waiting: ServerResponse[] = []
    const server = createServer((_, response) => {
      waiting.push(response)
      server.emit('waiting')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return {
      server,
      waiting,
      url: (index: number) => `http://127.0.0.1:${port}/${index}.png`,
      answer: () => {
        for (const response of waiting.splice(0)) response.end(image)
      },
      async close() {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      },
    }
  }

  it('is asked for the images of the next lines too', async () => {
    const { server, waiting, url, answer, close } = await imageServer()
    let most = 0
    server.on('waiting', () => {
      most = Math.max(most, waiting.length)
      // The first line alone can never make four.
      if (most >= 4) setImmediate(answer)
    })
    const input = jsonLines(Array.from({ length: 40 }, (_, index) => ({ id: index, image: url(index) })))
    const { lines, summary } = await embedLines(input, { engine })
    await close()
    expect(summary).toMatchObject({ lines: 40, failed: 0 })
    expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, index) => index))
  }, 20_000)

  it('is not asked for more than memory holds', async () => {
    const { server, url, close } = await imageServer()
    const input = jsonLines(Array.from({ length: 40 }, (_, index) => ({ image: url(index) })))
    const reader = new LineReader(Readable.from([Buffer.from(input)]))
    const stop = new AbortController()
    const lines = new PreparedLines(reader, 0, { context: context(), signal: stop.signal })
    const first = lines.next()
    await once(server, 'waiting')
    expect(reader.position.lines).toBe(16)
    stop.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    await close()
  })

  it('does not hold a run that is stopped', async () => {
    const { server, url, close } = await imageServer()
    const stop = new AbortController()
    server.once('waiting', () => stop.abort())
    const { summary } = await embedLines(jsonLines([{ image: url(0) }]), { engine, signal: stop.signal })
    await close()
    expect(summary).toMatchObject({ aborted: true, lines: 0 })
  })
})
