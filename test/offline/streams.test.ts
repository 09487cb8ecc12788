import { once } from 'node:events'
import { createReadStream, createWriteStream, openSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runEmbedFile } from '#qvl/offline/run-file.js'
import { endOf, startChild } from './run-child.js'
import { Collected, embedLines } from './run-lines.js'
import { tinyEngine } from './tiny-engine.js'

const chunkLimits = { maxTokens: 100, maxLines: 10 }

describe('pipes', () => {
  it('carry lines through, in order and byte-clean', async () => {
    const child = startChild(['-', '-'])
    const ended = endOf(child)
    const output = text(child.stdout!)
    child.stdin!.end(Array.from({ length: 50 }, (_, id) => `{"id":${id},"text":"a"}\r\n`).join(''))
    expect(await ended).toMatchObject({ code: 0 })
    const ids = (await output)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id)
    expect(ids).toEqual(Array.from({ length: 50 }, (_, id) => id))
  })

  it('end the run quietly when the reader leaves', async () => {
    const child = startChild(['-', '-'])
    const ended = endOf(child)
    child.stdin!.on('error', () => {})
    child.stdin!.end('"a text"\n'.repeat(50_000))
    await once(child.stdout!, 'data')
    child.stdout!.destroy()
    const { code, stderr } = await ended
    expect(code).toBe(0)
    expect(JSON.parse(stderr)).toMatchObject({ outputClosed: true, aborted: false })
  })

  it('slow the run down to the pace of the reader', async () => {
    const slow = new PassThrough({ highWaterMark: 1024 })
    let taken = 0
    async function* lines(): AsyncGenerator<Buffer> {
      for (; taken < 100_000; taken++) yield Buffer.from('"a text"\n')
    }
    const stop = new AbortController()
    const ended = runEmbedFile({
      engine: tinyEngine(),
      input: Readable.from(lines()),
      output: slow,
      chunkLimits,
      signal: stop.signal,
    })
    await once(slow, 'readable')
    // Nobody reads: the writer holds one block, and at most two more chunks have been prepared.
    for (let turn = 0; turn < 1_000; turn++) await new Promise(setImmediate)
    expect(taken).toBeLessThan(20_000)
    stop.abort()
    expect(await ended).toMatchObject({ aborted: true })
  })
})

describe('abort', () => {
  it('ends a wait for input', async () => {
    const input = new PassThrough()
    input.write('"a"\n')
    const stop = new AbortController()
    const output = new Collected()
    const ended = runEmbedFile({ engine: tinyEngine(), input, output, signal: stop.signal })
    await new Promise(setImmediate)
    stop.abort()
    expect(await ended).toMatchObject({ aborted: true, lines: 0 })
    expect(input.destroyed).toBe(true)
  })

  it('before the start does nothing', async () => {
    const { summary, text: written } = await embedLines('"a"', { signal: AbortSignal.abort() })
    expect(summary).toMatchObject({ aborted: true, lines: 0 })
    expect(written).toBe('')
  })

  it('keeps the chunks that are done, and leaves the others to the engine to drop', async () => {
    const stop = new AbortController()
    const engine = tinyEngine()
    const { submit } = engine
    const signals: (AbortSignal | undefined)[] = []
    engine.submit = (tasks, options) => {
      signals.push(options?.signal)
      if (signals.length === 3) stop.abort()
      return submit(tasks, options)
    }
    const { summary, lines } = await embedLines('"a"\n'.repeat(100), { engine, chunkLimits, signal: stop.signal })
    expect(summary).toMatchObject({ aborted: true, lines: 20 })
    expect(lines).toHaveLength(20)
    expect(signals.at(-1)?.aborted).toBe(true)
  })
})

describe('input that breaks', () => {
  it('ends the run with the reason', async () => {
    const input = new Readable({ read() {} })
    input.push('"a"\n')
    const ended = embedLines('', { input })
    input.destroy(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }))
    await expect(ended).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      details: { why: 'The disk reported an error.' },
    })
  })
})

describe('a full disk', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qvl-full-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it.runIf(process.platform === 'linux')('ends the run with the reason', async () => {
    const input = join(folder, 'in.jsonl')
    await writeFile(input, '"a"\n')
    const full = createWriteStream('', { fd: openSync('/dev/full', 'w') })
    const ended = runEmbedFile({ engine: tinyEngine(), input: createReadStream(input), output: full })
    await expect(ended).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', details: { why: 'The disk is full.' } })
  })
})

describe('memory', { timeout: 180_000 }, () => {
  it('stays flat over 200,000 lines', async () => {
    const count = 200_000
    const heap: number[] = []
    async function* lines(): AsyncGenerator<Buffer> {
      for (let i = 0; i < count; i += 100) {
        yield Buffer.from(`${JSON.stringify(`line ${i} ${'x'.repeat(50)}`)}\n`.repeat(100))
      }
    }
    let written = 0
    const output = new PassThrough()
    output.on('data', (chunk: Buffer) => {
      written += chunk.length
    })
    const summary = await runEmbedFile({
      engine: tinyEngine(),
      input: Readable.from(lines()),
      output,
      onProgress({ lines: done }) {
        if (done % 20_000 === 0) heap.push(usedMemory().heapUsed)
      },
    })
    expect(summary).toMatchObject({ lines: count, failed: 0 })
    expect(written).toBeGreaterThan(count * 100)
    expect(heap).toHaveLength(10)
    // The chunks in flight may differ. Keeping 100 bytes of each line would make 16 MB between the second look and the last.
    expect(heap.at(-1)! - heap[1]!).toBeLessThan(8 * 1024 * 1024)
  })

  it('stays flat over one line of 400 MB', async () => {
    const megabyte = 1024 * 1024
    let peak = 0
    async function* blocks(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 400; i++) {
        if (i % 20 === 0) peak = Math.max(peak, usedMemory().arrayBuffers)
        yield Buffer.alloc(megabyte, 'x')
      }
      yield Buffer.from('\n"after"')
    }
    const before = usedMemory().arrayBuffers
    const { lines } = await embedLines('', { input: Readable.from(blocks()) })
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatchObject({
      error: { message: expect.stringContaining('Line 1 is longer than 67108864 bytes') },
    })
    expect(lines[1]).toHaveProperty('embedding')
    // Up to the limit of 64 MB the line is kept; a stream reads some blocks ahead.
    expect(peak - before).toBeLessThan(100 * megabyte)
  })
})

/** What is in use once everything that is not has been collected. */
function usedMemory(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage()
}
