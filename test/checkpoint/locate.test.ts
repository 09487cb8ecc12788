import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { locateCheckpoint } from '#qvl/checkpoint/locate.js'
import { goldenPath } from '../support/golden.js'
import { temporaryFolder } from './folders.js'
import { expectFailure } from './hub/place.js'

const golden = goldenPath('checkpoints/qwen3-reranker')
/** No address answers here: a lookup on the network would fail with another code. */
const env = { HF_ENDPOINT: 'http://127.0.0.1:9' }

describe('a local folder', () => {
  it.each([golden, relative('.', golden), `./${relative('.', golden)}`, `${golden}/`])(
    '%s is used as it is',
    async (ref) => {
      expect(await locateCheckpoint(ref, { env })).toEqual({ dir: golden, id: ref, source: 'folder' })
    },
  )

  it('may be a link', async () => {
    const link = join(temporaryFolder(), 'link')
    symlinkSync(golden, link)
    expect((await locateCheckpoint(link, { env })).dir).toBe(link)
  })

  it('needs config.json, as a file', async () => {
    const folder = temporaryFolder()
    const check = () => expectFailure(() => locateCheckpoint(folder, { env }), 'CHECKPOINT_FILE_MISSING', 'config.json')
    expect((await check()).exit).toBe(3)
    mkdirSync(join(folder, 'config.json'))
    await check()
  })
})

describe('a reference that names nothing', () => {
  const invalid = [
    '',
    '..',
    '.',
    '../..',
    '-m',
    'a/b/c',
    'C:\\x',
    'a\0b',
    'a\nb',
    'a--b',
    'a..b',
    'a/',
    '/a',
    'a//b',
    'a b/c',
  ]
  const more = [
    'org/-name',
    'org/name-',
    '.hidden/x',
    'é/x',
    '%2e%2e/x',
    'org/name?x',
    'a'.repeat(97),
    `a/${'b'.repeat(97)}`,
  ]
  const paths = ['./no/folder', '../no-folder', '/no/folder/here', '~/model', 'no/such/folder', 'C:/model', '.\\model']
  const isFolderHere = new Set(['..', '.', '../..'])

  it.each([...invalid, ...more].filter((ref) => !isFolderHere.has(ref)))('%j is MODEL_REF_INVALID', async (ref) => {
    const home = temporaryFolder()
    const error = await expectFailure(
      () => locateCheckpoint(ref, { env: { ...env, HF_HOME: home } }),
      'MODEL_REF_INVALID',
      'names no model',
    )
    expect(error.exit).toBe(2)
    expect(error.message).not.toContain('\0')
    expect(readdirSync(home)).toEqual([])
  })

  it.each([...isFolderHere])('%s is a folder, without config.json', async (ref) => {
    await expectFailure(() => locateCheckpoint(ref, { env }), 'CHECKPOINT_FILE_MISSING', 'config.json')
  })

  it.each(paths)('%s is said not to be a folder either', async (ref) => {
    await expectFailure(() => locateCheckpoint(ref, { env }), 'MODEL_REF_INVALID', 'There is no folder at this path')
  })

  it('may be a file', async () => {
    const file = join(temporaryFolder(), 'model.safetensors')
    writeFileSync(file, '')
    await expectFailure(() => locateCheckpoint(file, { env }), 'MODEL_REF_INVALID', basename(file))
  })

  it.each(['..', 'a/../b', '-x', '/main', 'a b', 'a\nb', '', 'x'.repeat(201), 'a//b', '.git'])(
    'the revision %j is MODEL_REF_INVALID',
    async (revision) => {
      const error = await expectFailure(
        () => locateCheckpoint('org/name', { revision, env }),
        'MODEL_REF_INVALID',
        'revision',
      )
      expect(error.details.param).toBe('revision')
    },
  )
})
