import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cachedCommit, cacheLayout, placeInSnapshot, savingTo } from '#qvl/checkpoint/hub/cache.js'
import { digestOf, hasContent } from '#qvl/checkpoint/hub/cache-digest.js'
import { parseHubId } from '#qvl/checkpoint/hub/ref.js'
import { expectError, temporaryFolder } from '../folders.js'
import { commit1, gitSha1, sha256 } from './server.js'

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'test' })
}

describe('a snapshot entry', () => {
  it.each(['EPERM', 'ENOTSUP'])('is a copy where links are refused with %s', async (code) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'blob'), 'bytes')
    const path = join(folder, 'snapshots/c/1_Pooling/config.json')
    await placeInSnapshot(join(folder, 'blob'), path, () => Promise.reject(systemError(code)))
    expect(lstatSync(path).isFile()).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe('bytes')
    expect(readdirSync(join(folder, 'snapshots/c/1_Pooling'))).toEqual(['config.json'])
  })

  it('whose blob is gone is replaced, a working one is left alone', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'blob'), 'bytes')
    symlinkSync('gone', join(folder, 'broken'))
    writeFileSync(join(folder, 'whole'), 'as it was')
    await placeInSnapshot(join(folder, 'blob'), join(folder, 'broken'))
    await placeInSnapshot(join(folder, 'blob'), join(folder, 'whole'))
    expect(readFileSync(join(folder, 'broken'), 'utf8')).toBe('bytes')
    expect(readFileSync(join(folder, 'whole'), 'utf8')).toBe('as it was')
  })
})

it.each([
  ['a commit', commit1],
  ['a commit and a line break', `${commit1}\n`],
])('a ref that holds %s is read', async (_, content) => {
  const layout = cacheLayout(temporaryFolder(), parseHubId('org/name'))
  mkdirSync(layout.refs, { recursive: true })
  writeFileSync(join(layout.refs, 'main'), content)
  expect(await cachedCommit(layout, 'main')).toBe(commit1)
})

it.each(['', '../../x', 'main'])('a ref that holds %j is none', async (content) => {
  const layout = cacheLayout(temporaryFolder(), parseHubId('org/name'))
  mkdirSync(join(layout.refs, 'refs/pr'), { recursive: true })
  writeFileSync(join(layout.refs, 'main'), content)
  expect(await cachedCommit(layout, 'main')).toBeUndefined()
  expect(await cachedCommit(layout, 'refs/pr')).toBeUndefined()
  expect(await cachedCommit(layout, 'v1')).toBeUndefined()
})

describe('the content check', () => {
  const bytes = Buffer.from('what the hub sends')
  const cases: [what: string, expected: { size: number | undefined; etag: string }, result: boolean][] = [
    ['SHA-256', { size: bytes.length, etag: sha256(bytes) }, true],
    ['a git name', { size: bytes.length, etag: gitSha1(bytes) }, true],
    ['another SHA-256', { size: bytes.length, etag: sha256(Buffer.from('x')) }, false],
    ['another git name', { size: bytes.length, etag: gitSha1(Buffer.from('x')) }, false],
    ['another size', { size: bytes.length + 1, etag: sha256(bytes) }, false],
    ['a tag that is no hash', { size: bytes.length, etag: 'v1' }, true],
    ['no size', { size: undefined, etag: sha256(bytes) }, true],
  ]
  it.each(cases)('with %s', async (_, { size, etag }, result) => {
    const path = join(temporaryFolder(), 'file')
    writeFileSync(path, bytes)
    const { signal } = new AbortController()
    expect(await hasContent(path, { size, digest: digestOf(etag) }, signal)).toBe(result)
    expect(await hasContent(`${path}-missing`, { size, digest: digestOf(etag) }, signal)).toBe(false)
  })
})

it.each([
  ['ENOSPC', 'The disk is full'],
  ['EDQUOT', 'quota'],
  ['EACCES', 'permission'],
  ['EROFS', 'only be read'],
  ['EIO', 'EIO'],
])('a file system that answers %s is reported as one', async (code, words) => {
  const save = (): Promise<void> => savingTo('/cache', () => Promise.reject(systemError(code)))
  await expectError(save, 'OUTPUT_UNWRITABLE', ['/cache', words])
})
