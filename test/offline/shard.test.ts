// Parts of a job: whatever the input looks like, their outputs joined are the output of the whole.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RunFileOptions, runEmbedFile } from '#qvl/offline/run-file.js'
import { shardFile, shardRange } from '#qvl/offline/shard.js'
import { random } from '../support/random.js'
import { Collected, toStream } from './run-lines.js'
import { tinyEngine } from './tiny-engine.js'

let folder: string
let input: string
let output: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-shard-'))
  input = path.join(folder, 'in.jsonl')
  output = path.join(folder, 'out.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

/** Numbers of the tiny engine change with the chunk, so that every line is one. */
const run = (options: Partial<RunFileOptions> = {}) =>
  runEmbedFile({ engine: tinyEngine(), input, output: { file: output }, chunkLimits: { maxLines: 1 }, ...options })

const partsOf = (count: number) => Array.from({ length: count }, (_, i) => ({ index: i + 1, count }))

/** Lines without an id, whose answers name their place in the input. */
const texts = (count: number): string[] => {
  const next = random(3)
  return Array.from({ length: count }, (_, i) => JSON.stringify(`${i} ${'word '.repeat(next() % 30)}`))
}

describe('parts of a job', () => {
  it.each<[string, string]>([
    ['lines of many lengths', texts(40).join('\n')],
    ['a line end at the end', `${texts(7).join('\n')}\n`],
    ['blank lines, CRLF and a byte order mark', `\uFEFF\n\r\n${texts(9).join('\r\n\n')}\n\n\n`],
    ['bad lines', `${texts(4).join('\n')}\n{oops\n{"text":3}\n${texts(3).join('\n')}`],
    [
      'text of several bytes a character',
      texts(9)
        .map((line) => line.replace('word', '日本語🎉'))
        .join('\n'),
    ],
    ['fewer lines than parts', texts(2).join('\n')],
    ['one line', texts(1).join('\n')],
    ['nothing', ''],
  ])('joined are the whole: %s', async (_, text) => {
    await writeFile(input, text)
    await run({ output: { file: path.join(folder, 'whole') } })
    const whole = await readFile(path.join(folder, 'whole'), 'utf8')
    for (const count of [1, 2, 3, 7]) {
      const numLines: number[] = []
      for (const shard of partsOf(count)) numLines.push((await run({ shard })).lines)
      const parts = partsOf(count).map((shard) => readFile(shardFile(output, shard), 'utf8'))
      expect((await Promise.all(parts)).join('')).toBe(whole)
      expect(numLines.reduce((a, b) => a + b)).toBe(whole.split('\n').length - 1)
    }
    expect(await readdir(folder)).not.toContain('out.jsonl')
  })

  it('are of about the same size', async () => {
    await writeFile(input, texts(400).join('\n'))
    const lines = await Promise.all(partsOf(4).map((shard) => run({ shard })))
    for (const { tokens } of lines) expect(tokens).toBeGreaterThan(1500)
  })

  it('go on where they were cut, and only as the same part of the same file', async () => {
    await writeFile(input, texts(60).join('\n'))
    const [, shard] = partsOf(3)
    await run({ shard, output: { file: path.join(folder, 'uncut.jsonl') } })
    const stop = new AbortController()
    const onProgress = ({ lines }: { lines: number }): void => {
      if (lines === 5) stop.abort()
    }
    const cut = await run({ shard, signal: stop.signal, onProgress })
    expect(cut).toMatchObject({ aborted: true })
    expect(cut.lines).toBeGreaterThan(0)
    await expect(run({ shard: { index: 2, count: 4 } })).resolves.toMatchObject({ resumedLines: 0 })
    const part = shardFile(output, shard!)
    await expect(run({ resume: true, output: { file: part } })).rejects.toMatchObject({ code: 'RESUME_MISMATCH' })
    const grown = `${texts(60).join('\n')}\n"more"`
    await writeFile(input, grown)
    await expect(run({ shard, resume: true })).rejects.toMatchObject({ code: 'RESUME_MISMATCH' })
    await writeFile(input, texts(60).join('\n'))
    expect(await run({ shard, resume: true })).toMatchObject({ resumedLines: cut.lines })
    expect(await readFile(part)).toEqual(await readFile(shardFile(path.join(folder, 'uncut.jsonl'), shard!)))
  })

  it('can be streams', async () => {
    await writeFile(input, texts(9).join('\n'))
    const collected = new Collected()
    for (const shard of partsOf(2)) await run({ shard, output: collected })
    await run()
    expect(collected.text).toBe(await readFile(output, 'utf8'))
  })

  it('are not cut from a pipe', async () => {
    const [shard] = partsOf(2)
    await expect(run({ shard, input: toStream('"a"') })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('tell how far they are by their own size', async () => {
    await writeFile(input, texts(30).join('\n'))
    const shares: number[] = []
    const onProgress: RunFileOptions['onProgress'] = ({ bytesRead, totalBytes }) => {
      shares.push(bytesRead / totalBytes!)
    }
    await run({ shard: { index: 3, count: 3 }, onProgress })
    expect(Math.min(...shares)).toBeGreaterThan(0)
    expect(shares.at(-1)).toBeCloseTo(1, 1)
  })
})

describe('the bytes of parts', () => {
  it.each([
    [10, 3],
    [2 ** 45 + 7, 99_999],
    [1, 5],
    [0, 2],
  ])('of %d bytes in %d parts follow each other', (bytes, count) => {
    const ranges = [1, 2, count - 1, count].map((index) => shardRange({ index, count }, bytes))
    expect(ranges[0]!.start).toBe(0)
    expect(ranges.at(-1)!.end).toBe(bytes)
    expect(ranges[0]!.end).toBe(ranges[1]!.start)
    expect(ranges.at(-2)!.end).toBe(ranges.at(-1)!.start)
  })

  it.each([
    ['out.jsonl', { index: 2, count: 8 }, 'out-00002-of-00008.jsonl'],
    ['/a.b/out', { index: 10, count: 12_345 }, '/a.b/out-00010-of-12345'],
    ['x.tar.gz', { index: 1, count: 1 }, 'x.tar-00001-of-00001.gz'],
  ])('%s of %j is %s', (file, shard, expected) => {
    expect(shardFile(file, shard)).toBe(expected)
  })
})
