import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { npyHeader, npyHeaderBytes } from '#qvl/offline/npy.js'
import { type RunFileOptions, runEmbedFile, runScoreFile } from '#qvl/offline/run-file.js'
import { Collected, embedLines, toStream } from './run-lines.js'
import { tinyEngine } from './tiny-engine.js'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-npy-'))
  file = join(folder, 'out.npy')
})
afterEach(() => rm(folder, { recursive: true }))

const embed = (input: string, options: Partial<RunFileOptions> = {}) =>
  runEmbedFile({ engine: tinyEngine(), input: toStream(input), output: { file }, format: 'npy', ...options })

/** The shape and rows of a version 1.0 file, read as NumPy does. */
async function readNpy(path: string): Promise<{ shape: number[]; rows: number[][] }> {
  const bytes = await readFile(path)
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00')
  const start = 10 + bytes.readUInt16LE(8)
  expect(start % 64).toBe(0)
  const header = bytes.toString('latin1', 10, start)
  expect(header).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(\d+, \d+\), \} *\n$/)
  const shape = header.match(/\d+(?=[,)])/g)?.map(Number) ?? []
  const [count, width] = shape
  expect(bytes.length).toBe(start + 4 * count! * width!)
  const row = (index: number) =>
    Array.from({ length: width! }, (_, i) => bytes.readFloatLE(start + 4 * (index * width! + i)))
  return { shape: [count!, width!], rows: Array.from({ length: count! }, (_, index) => row(index)) }
}

describe('npy', () => {
  it('has a row for each line, NaN where one failed, and the failures beside it', async () => {
    const input =
      '"a"\n\n{oops\n{"id":"x","text":"b"}\n"not finite"\n{"custom_id":"c","url":"/v1/embeddings","body":{}}'
    expect(await embed(input)).toMatchObject({ lines: 5, failed: 3 })
    const { shape, rows } = await readNpy(file)
    const { lines } = await embedLines(input)
    expect(shape).toEqual([5, 8])
    for (const index of [0, 2]) expect(rows[index]).toEqual((lines[index]!.embedding as number[]).map(Math.fround))
    for (const index of [1, 3, 4]) expect(rows[index]).toEqual(new Array(8).fill(Number.NaN))
    const errors = (await readFile(`${file}.errors.jsonl`, 'utf8')).trimEnd().split('\n')
    expect(errors.map((line): unknown => JSON.parse(line))).toEqual([
      { row: 1, index: 1, error: expect.objectContaining({ code: 'REQUEST_SCHEMA' }) },
      { row: 3, index: 3, error: expect.objectContaining({ code: 'RESULT_NOT_FINITE' }) },
      expect.objectContaining({ row: 4, custom_id: 'c' }),
    ])
  })

  it('has the width of --dimensions, and refuses a line of another', async () => {
    await embed('"a"\n{"text":"b","dimensions":3}', { defaults: { dimensions: 2 } })
    expect(await readNpy(file)).toMatchObject({
      shape: [2, 2],
      rows: [
        [expect.any(Number), expect.any(Number)],
        [Number.NaN, Number.NaN],
      ],
    })
    expect(await readFile(`${file}.errors.jsonl`, 'utf8')).toContain('"param":"dimensions"')
  })

  it('is empty for an empty input, and leaves no list of failures', async () => {
    await writeFile(`${file}.errors.jsonl`, 'of an earlier run')
    await embed('')
    expect(await readNpy(file)).toEqual({ shape: [0, 8], rows: [] })
    await expect(access(`${file}.errors.jsonl`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.each([
    ['scores', () => runScoreFile({ engine: tinyEngine(), input: toStream(''), output: { file }, format: 'npy' })],
    ['a stream', () => embed('', { output: new Collected() })],
    ['base64', () => embed('', { encodingFormat: 'base64' })],
  ])('refuses %s', async (_name, start) => {
    await expect(start()).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('keeps its header the same size for any shape', () => {
    for (const [rows, width] of [
      [0, 1],
      [1, 4096],
      [2 ** 48, 2 ** 20],
    ] as const) {
      expect(npyHeader(rows, width)).toHaveLength(npyHeaderBytes)
    }
  })
})
