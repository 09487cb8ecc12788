import {
  appendFile,
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QvlError } from '#qvl/errors.js'
import { type RunFileOptions, type RunSummary, runEmbedFile } from '#qvl/offline/run-file.js'
import { random } from '../support/random.js'
import { endOf, startChild } from './run-child.js'
import { toStream } from './run-lines.js'
import { tinyEngine } from './tiny-engine.js'

const chunkLimits = { maxTokens: 200, maxLines: 20 }

/** Texts of many lengths, with bad lines, blank lines, CRLF, and no line end at the end. */
function makeInput(count: number): string {
  const next = random(7)
  const line = (index: number): string => {
    if (index % 17 === 3) return '{"text": 3}'
    if (index % 23 === 5) return '\n{oops\r'
    return JSON.stringify({ id: index, text: 'word '.repeat(next() % 40) })
  }
  return `\uFEFF${Array.from({ length: count }, (_, index) => line(index)).join('\n')}`
}

let folder: string
let input: string
let output: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-resume-'))
  input = join(folder, 'in.jsonl')
  output = join(folder, 'out')
})
afterEach(() => rm(folder, { recursive: true }))

const run = (options: Partial<RunFileOptions> = {}): Promise<RunSummary> =>
  runEmbedFile({ engine: tinyEngine(), input, output: { file: output }, chunkLimits, ...options })

/** A run that stops after some chunks and saves its place. */
async function cutRun(chunks: number, options: Partial<RunFileOptions> = {}): Promise<RunSummary> {
  const stop = new AbortController()
  const engine = tinyEngine()
  const { submit } = engine
  let submitted = 0
  engine.submit = (...args) => {
    if (submitted++ === chunks) stop.abort()
    return submit(...args)
  }
  return run({ engine, signal: stop.signal, ...options })
}

describe('a file as output', () => {
  it('appears when it is complete, and nothing is left beside it', async () => {
    await writeFile(input, makeInput(100))
    await writeFile(output, 'old')
    const summary = await run()
    expect(summary).toMatchObject({ lines: 100, failed: 11, resumedLines: 0, aborted: false, alreadyComplete: false })
    expect((await readFile(output, 'utf8')).trimEnd().split('\n')).toHaveLength(100)
    expect((await readdir(folder)).sort()).toEqual(['in.jsonl', 'out'])
  })

  it('keeps the old file until then', async () => {
    await writeFile(input, makeInput(100))
    await writeFile(output, 'old')
    expect(await cutRun(2)).toMatchObject({ aborted: true, lines: expect.any(Number) })
    expect(await readFile(output, 'utf8')).toBe('old')
    expect((await readdir(folder)).sort()).toEqual(['in.jsonl', 'out', 'out.part', 'out.part.json'])
  })

  it('has one writer at a time, also through a link, with --resume and for another input', async () => {
    const target = join(folder, 'target')
    await writeFile(target, 'old')
    await symlink('target', output)
    const open = new PassThrough()
    const first = run({ input: open })
    open.write(`${'"a"\n'.repeat(100)}`)
    await grownTo(`${target}.part`, 1, first)
    for (const resume of [false, true]) {
      await expect(run({ input: toStream('"b"'), output: { file: target }, resume })).rejects.toMatchObject({
        code: 'OUTPUT_BUSY',
        details: { what: expect.stringContaining(target), why: expect.stringContaining('target.part.lock') },
      })
    }
    open.end('"b"\n')
    expect(await first).toMatchObject({ lines: 101, failed: 0 })
    expect((await readFile(target, 'utf8')).trimEnd().split('\n')).toHaveLength(101)
    expect((await readdir(folder)).sort()).toEqual(['out', 'target'])
  })

  it('follows a link', async () => {
    await writeFile(input, '"a"')
    await writeFile(join(folder, 'target'), 'old')
    await symlink('target', output)
    await run()
    expect(await readFile(join(folder, 'target'), 'utf8')).toContain('embedding')
  })

  it.each([
    ['a folder', () => run({ output: { file: folder } }), 'OUTPUT_UNWRITABLE', 'is a folder'],
    [
      'a missing folder',
      () => run({ output: { file: join(folder, 'no', 'out') } }),
      'OUTPUT_UNWRITABLE',
      'Choose another',
    ],
    ['a device', () => run({ output: { file: '/dev/null' } }), 'OUTPUT_UNWRITABLE', 'regular file'],
    ['the input', () => run({ output: { file: input } }), 'USAGE', 'another output'],
    ['a missing input', () => run({ input: join(folder, 'no.jsonl') }), 'INPUT_UNREADABLE', 'no such file'],
    ['a folder as input', () => run({ input: folder }), 'INPUT_UNREADABLE', 'is a folder'],
  ])('refuses %s', async (_name, start, code, words) => {
    await writeFile(input, '"a"')
    const error: unknown = await start().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, details: { what: expect.stringContaining('/') } })
    if (error instanceof QvlError) expect(`${error.details.why} ${error.details.do}`).toContain(words)
    expect(await readFile(input, 'utf8')).toBe('"a"')
    expect((await readdir(folder)).filter((name) => name.endsWith('.lock'))).toEqual([])
  })
})

describe('resume', () => {
  it.each([
    ['jsonl', 0],
    ['jsonl', 1],
    ['jsonl', 3],
    ['npy', 0],
    ['npy', 3],
  ] as const)('of a %s run cut after %d chunks equals an uncut run', async (format, chunks) => {
    await writeFile(input, makeInput(150))
    const uncut = join(folder, 'uncut')
    const { lines, failed } = await run({ output: { file: uncut }, format })
    const cut = await cutRun(chunks, { format })
    expect(cut).toMatchObject({ aborted: true })
    const resumed = await run({ resume: true, format })
    expect(resumed).toMatchObject({ lines, failed, resumedLines: chunks === 0 ? 0 : cut.lines })
    await expectSame(output, uncut)
    if (format === 'npy') await expectSame(`${output}.errors.jsonl`, `${uncut}.errors.jsonl`)
    expect((await readdir(folder)).filter((name) => name.includes('.part'))).toEqual([])
  })

  it('drops what was written after the last save', async () => {
    await writeFile(input, makeInput(50))
    await run({ output: { file: join(folder, 'uncut') } })
    await cutRun(1)
    await appendFile(`${output}.part`, 'torn'.repeat(50_000))
    await run({ resume: true })
    await expectSame(output, join(folder, 'uncut'))
  })

  it('works when the input is a stream', async () => {
    const text = makeInput(150)
    await run({ input: toStream(text), output: { file: join(folder, 'uncut') } })
    await cutRun(3, { input: toStream(text) })
    await run({ input: toStream(text), resume: true })
    await expectSame(output, join(folder, 'uncut'))
  })

  it('goes on after a strict run has stopped, once its line is corrected', async () => {
    const good = Array.from({ length: 60 }, (_, i) => JSON.stringify(`text ${i}`))
    const withBadLine = good.with(45, '{oops')
    await writeFile(input, withBadLine.join('\n'))
    await expect(run({ strict: true })).rejects.toMatchObject({ message: expect.stringContaining('Line 46') })
    await writeFile(input, good.join('\n'))
    expect(await run({ strict: true, resume: true })).toMatchObject({ lines: 60, failed: 0, resumedLines: 40 })
    await run({ output: { file: join(folder, 'uncut') } })
    await expectSame(output, join(folder, 'uncut'))
  })

  it('does nothing when the file is complete, and starts anew when there is nothing', async () => {
    await writeFile(input, makeInput(30))
    expect(await run({ resume: true })).toMatchObject({ lines: 30, resumedLines: 0, alreadyComplete: false })
    const { mtimeMs } = await stat(output)
    expect(await run({ resume: true })).toMatchObject({ lines: 0, alreadyComplete: true })
    expect((await stat(output)).mtimeMs).toBe(mtimeMs)
  })

  it('does not throw saved lines away without being asked', async () => {
    await writeFile(input, makeInput(100))
    const { lines } = await cutRun(2)
    await expect(run()).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`holds ${lines} lines of an unfinished run`),
      details: { do: expect.stringMatching(/--resume.*delete .*out\.part and .*out\.part\.json/) },
    })
    await rm(`${output}.part.json`)
    expect(await run()).toMatchObject({ lines: 100, resumedLines: 0 })
  })

  it.each([
    ['another checkpoint', { engine: tinyEngine({ fingerprint: 'g' }) }, 'checkpoint "f" and this is "g"'],
    ['another instruction', { defaults: { instruction: 'i' } }, 'instruction null and this is "i"'],
    ['another encoding', { encodingFormat: 'base64' }, 'encodingFormat "float" and this is "base64"'],
    ['another device', { settings: { device: 'ort' } }, 'device null and this is "ort"'],
    ['other chunks', { chunkLimits: { maxTokens: 1, maxLines: 1 } }, 'chunkTokens 200 and this is 1'],
  ] as const)('refuses %s', async (_name, options, message) => {
    await writeFile(input, makeInput(100))
    await cutRun(2)
    await expectMismatch(options, message)
  })

  it.each([
    ['another input', () => writeFile(input, makeInput(100).replace('word', 'Word')), 'The input does not begin with'],
    ['a shorter input', () => truncate(input, 100), 'The input does not begin with'],
    ['a part that was cut', () => truncate(`${output}.part`, 10), 'shorter than what was saved'],
    ['a damaged state', () => writeFile(`${output}.part.json`, '{"version":'), 'cannot be read'],
    ['a state without numbers', () => editState('"lines":', '"Lines":'), 'cannot be read'],
    ['a state of another version', () => editState('"version":1', '"version":0'), 'version 0 and this is 1'],
  ])('refuses %s', async (_name, damage, message) => {
    await writeFile(input, makeInput(100))
    await cutRun(2)
    await damage()
    await expectMismatch({}, message)
  })
})

describe('kill -9', () => {
  it.each(['jsonl', 'npy'])('at any moment, then resume, gives the %s of an uncut run', async (format) => {
    await writeFile(input, makeInput(600))
    const flags = format === 'npy' ? ['--npy'] : []
    const uncut = join(folder, 'uncut')
    expect(await endOf(startChild([input, uncut, ...flags]))).toMatchObject({ code: 0 })
    const { size } = await stat(uncut)
    const next = random(format.length)
    for (let round = 1; round <= 4; round++) {
      const child = startChild([input, output, '--resume', ...flags])
      const ended = endOf(child)
      await grownTo(`${output}.part`, ((round - 0.5 + (next() % 256) / 512) * size) / 5, ended)
      child.kill('SIGKILL')
      await ended
    }
    const { stderr } = await endOf(startChild([input, output, '--resume', ...flags]))
    const summary: RunSummary = JSON.parse(stderr)
    expect(summary).toMatchObject({ lines: 600, failed: 61 })
    expect(summary.resumedLines).toBeGreaterThan(0)
    await expectSame(output, uncut)
  })

  it.each([
    ['before the file got its name', ['out.part']],
    ['after the file got its name', ['out', 'out.errors.jsonl.part', 'out.part.json']],
    ['before the state was removed', ['out', 'out.errors.jsonl', 'out.part.json']],
  ])('%s', async (_name, left) => {
    await writeFile(input, makeInput(100))
    await run({ format: 'npy', output: { file: join(folder, 'uncut') } })
    await cutRun(2, { format: 'npy' })
    const state = await readFile(`${output}.part.json`)
    await Promise.all(['out.part', 'out.part.json', 'out.errors.jsonl.part'].map((name) => rm(join(folder, name))))
    for (const name of left) {
      if (name === 'out.part.json') await writeFile(join(folder, name), state)
      else await copyFile(join(folder, name.includes('errors') ? 'uncut.errors.jsonl' : 'uncut'), join(folder, name))
    }
    await run({ resume: true, format: 'npy' })
    await expectSame(output, join(folder, 'uncut'))
    await expectSame(`${output}.errors.jsonl`, join(folder, 'uncut.errors.jsonl'))
    expect((await readdir(folder)).filter((each) => each.includes('.part'))).toEqual([])
  })
})

async function expectSame(path: string, expected: string): Promise<void> {
  expect(Buffer.compare(await readFile(path), await readFile(expected))).toBe(0)
}

async function expectMismatch(options: Partial<RunFileOptions>, why: string): Promise<void> {
  const before = await readFile(`${output}.part`)
  await expect(run({ resume: true, ...options })).rejects.toMatchObject({
    code: 'RESUME_MISMATCH',
    message: expect.stringContaining(why),
  })
  expect(await readFile(`${output}.part`)).toEqual(before)
}

async function editState(from: string, to: string): Promise<void> {
  const state = await readFile(`${output}.part.json`, 'utf8')
  await writeFile(`${output}.part.json`, state.replace(from, to))
}

/** Resolves when the file has that many bytes, or the process has ended. */
async function grownTo(path: string, bytes: number, ended: Promise<unknown>): Promise<void> {
  let running = true
  void ended.then(() => {
    running = false
  })
  while (running && ((await stat(path).catch(() => undefined))?.size ?? 0) < bytes) await sleep(1)
}
