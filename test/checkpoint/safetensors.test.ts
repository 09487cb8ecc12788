import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSafetensors } from '#qvl/checkpoint/safetensors.js'
import { expectError, safetensorsBytes, temporaryFolder, writeSafetensors } from './folders.js'

const noData = new Uint8Array(0)
const fourBytes = new Uint8Array(4)
const entry = (fields: object = {}): object => ({ dtype: 'F32', shape: [1], data_offsets: [0, 4], ...fields })
const file = (header: unknown, data: Uint8Array = fourBytes): Uint8Array =>
  safetensorsBytes(JSON.stringify(header), data)

describe('hostile headers end early', () => {
  const hostile: { what: string; header: () => string; code: string; words: string }[] = [
    {
      what: '100,000 names on one range',
      header: () => JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`t${i}`, entry()]))),
      code: 'TENSOR_INVALID',
      words: 'overlaps',
    },
    {
      what: 'one name millions of times',
      header: () => `{${'"a":1,'.repeat(5_000_000)}"b":1}`,
      code: 'CHECKPOINT_INVALID',
      words: 'twice',
    },
    {
      what: 'a shape of millions of axes',
      header: () => `{"a":{"shape":[${'1,'.repeat(5_000_000)}1]}}`,
      code: 'CHECKPOINT_INVALID',
      words: 'values',
    },
    { what: 'depth', header: () => `{"a":${'['.repeat(10_000_000)}`, code: 'CHECKPOINT_INVALID', words: 'deep' },
    { what: 'backslashes', header: () => `{"${'\\'.repeat(10_000_000)}":1}`, code: 'TENSOR_INVALID', words: 'entry' },
    { what: 'spaces', header: () => `{"a":1${' '.repeat(10_000_000)}}`, code: 'TENSOR_INVALID', words: 'entry' },
  ]

  it.each(hostile)(
    '$what',
    async ({ header, code, words }) => {
      const path = join(temporaryFolder(), 'model.safetensors')
      writeFileSync(path, safetensorsBytes(header(), fourBytes))
      await expectError(() => openSafetensors(path), code, words)
    },
    10_000,
  )
})

describe('valid files open', () => {
  it('gives every tensor its place in the file', async () => {
    const path = join(temporaryFolder(), 'model.safetensors')
    writeSafetensors(path, {
      scalar: { dtype: 'F32', shape: [], data: new Uint8Array(4) },
      'no elements': { dtype: 'BF16', shape: [0, 5], data: noData },
      bits: { dtype: 'F4', shape: [4], data: new Uint8Array(2) },
      flag: { dtype: 'BOOL', shape: [3], data: new Uint8Array(3) },
      wide: { dtype: 'F64', shape: [1, 2], data: new Uint8Array(16) },
    })
    const { tensors, size, headerBytes } = await openSafetensors(path)
    const start = 8 + headerBytes
    expect([...tensors.values()].map(({ name, offset, bytes }) => [name, offset - start, bytes])).toEqual([
      ['scalar', 0, 4],
      ['no elements', 4, 0],
      ['bits', 4, 2],
      ['flag', 6, 3],
      ['wide', 9, 16],
    ])
    expect(size).toBe(start + 25)
  })

  it('accepts an empty table, trailing spaces, and tensors listed out of order', async () => {
    const path = join(temporaryFolder(), 'model.safetensors')
    writeFileSync(path, safetensorsBytes('{}', noData))
    expect((await openSafetensors(path)).tensors.size).toBe(0)
    const header = `${JSON.stringify({ b: entry({ data_offsets: [4, 8] }), a: entry() })}      `
    writeFileSync(path, safetensorsBytes(header, new Uint8Array(8)))
    expect((await openSafetensors(path)).tensors.get('b')?.offset).toBe(8 + header.length + 4)
  })

  it('keeps metadata, and the header hash changes with it', async () => {
    const path = join(temporaryFolder(), 'model.safetensors')
    writeFileSync(path, file({ __metadata__: { format: 'pt' } }, noData))
    const first = await openSafetensors(path)
    expect([...first.metadata]).toEqual([['format', 'pt']])
    writeFileSync(path, file({ __metadata__: { format: 'np' } }, noData))
    expect((await openSafetensors(path)).headerSha256).not.toBe(first.headerSha256)
  })

  it('follows a symbolic link to the real file', async () => {
    const dir = temporaryFolder()
    writeSafetensors(join(dir, 'blob'), { a: { dtype: 'F32', shape: [1], data: fourBytes } })
    symlinkSync('blob', join(dir, 'model.safetensors'))
    expect((await openSafetensors(join(dir, 'model.safetensors'))).file).toMatch(/blob$/)
  })
})

describe('what is not a regular file is refused', () => {
  it('nothing there', () =>
    expectError(
      () => openSafetensors(join(temporaryFolder(), 'x.safetensors')),
      'CHECKPOINT_FILE_MISSING',
      'x.safetensors',
    ))

  it('a folder', async () => {
    const path = join(temporaryFolder(), 'model.safetensors')
    mkdirSync(path)
    await expectError(() => openSafetensors(path), 'CHECKPOINT_INVALID', 'not a regular file')
  })

  it.skipIf(process.platform === 'win32')('a named pipe, without waiting for a writer', async () => {
    const path = join(temporaryFolder(), 'model.safetensors')
    execFileSync('mkfifo', [path])
    await expectError(() => openSafetensors(path), 'CHECKPOINT_INVALID', 'not a regular file')
  })
})
