import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DownloadEvent } from '#qvl/checkpoint/locate.js'
import { goldenPath } from '../../support/golden.js'
import { temporaryFolder } from '../folders.js'
import {
  cacheFolderName,
  expectFailure,
  expectFiles,
  fileRequests,
  filesBelow,
  place,
  sharded,
  single,
} from './place.js'
import { commit1, commit2, etagOf, goldenRepository, startHub } from './server.js'

describe('a model from the hub', () => {
  it.each([single, sharded])('is laid out as Python does: %s', async (id) => {
    const { hub, home, locate } = await place()
    const repository = hub.repositories.get(id)!
    const located = await locate(id)
    const folder = join(home, 'hub', cacheFolderName[id]!)
    expect(located).toEqual({ dir: join(folder, 'snapshots', commit1), id, source: 'hub', revision: commit1 })
    expectFiles(located.dir, repository)
    expect(readFileSync(join(folder, 'refs/main'), 'utf8')).toBe(commit1)
    for (const [file, bytes] of repository.files) {
      const up = '../'.repeat(file.split('/').length + 1)
      expect(readlinkSync(join(located.dir, file))).toBe(`${up}blobs/${etagOf(file, bytes)}`)
    }
    expect(fileRequests(hub).filter((line) => line.startsWith('HEAD'))).toHaveLength(repository.files.size)
    const etags = [...repository.files].map(([file, bytes]) => etagOf(file, bytes))
    expect(filesBelow(join(folder, 'blobs'))).toEqual([...new Set(etags)].sort())
    expect(filesBelow(join(home, 'hub/.locks'))).toEqual([])
  })

  it('costs one request the second time', async () => {
    const { hub, locate } = await place()
    const first = await locate(single)
    hub.requests.length = 0
    expect(await locate(single)).toEqual({ ...first, source: 'cache' })
    expect(hub.requests.map(({ url }) => url)).toEqual([`/api/models/${single}/revision/main`])
  })

  it('costs no request when a full commit is asked for and whole', async () => {
    const { hub, locate } = await place()
    await locate(single, { revision: commit1 })
    hub.requests.length = 0
    expect((await locate(single, { revision: commit1 })).source).toBe('cache')
    expect(hub.requests).toEqual([])
  })

  it('goes into --download-dir instead of the cache', async () => {
    const { home, locate } = await place()
    const downloadDir = temporaryFolder()
    const { dir } = await locate(single, { downloadDir })
    expect(dir).toBe(join(downloadDir, 'models--tiny--qwen3-reranker/snapshots', commit1))
    expect(readdirSync(home)).toEqual([])
  })

  it('follows the branch to a new commit, and fetches only what changed', async () => {
    const { hub, home, locate } = await place()
    await locate(single)
    const changed = goldenRepository('qwen3-reranker', commit2)
    changed.files.set('config.json', Buffer.from('{"changed":true}'))
    hub.repositories.set(single, changed)
    hub.requests.length = 0
    const { dir, revision } = await locate(single)
    expect(revision).toBe(commit2)
    expectFiles(dir, changed)
    expect(fileRequests(hub).filter((line) => line.startsWith('GET'))).toEqual([
      `GET /${single}/resolve/${commit2}/config.json`,
    ])
    expect(readFileSync(join(home, 'hub/models--tiny--qwen3-reranker/refs/main'), 'utf8')).toBe(commit2)
  })

  it('notes a ref with slashes in its name', async () => {
    const { home, locate } = await place()
    await locate(single, { revision: 'refs/pr/1' })
    expect(readFileSync(join(home, 'hub/models--tiny--qwen3-reranker/refs/refs/pr/1'), 'utf8')).toBe(commit1)
    expect((await locate(single, { revision: 'refs/pr/1', offline: true })).revision).toBe(commit1)
  })

  it('leaves out what is not needed', async () => {
    const repository = goldenRepository('qwen3-vl-embedding')
    const extra = [
      'model.safetensors',
      'pytorch_model.bin',
      'onnx/model.onnx',
      'original/x.safetensors',
      'README.md',
      'a:b',
    ]
    for (const name of extra) repository.files.set(name, Buffer.from(name))
    const { locate } = await place({ [sharded]: repository })
    const { dir } = await locate(sharded)
    expectFiles(dir, goldenRepository('qwen3-vl-embedding'))
  })

  it('tells how far each file is', async () => {
    const { hub, locate } = await place()
    const events: DownloadEvent[] = []
    await locate(single, { onDownload: (event) => events.push(event) })
    const { files } = hub.repositories.get(single)!
    for (const [file, bytes] of files) {
      const last = events.filter((event) => event.file === file).at(-1)
      expect(last).toMatchObject({ received: bytes.length, total: bytes.length, files: files.size })
    }
    expect(events.at(-1)!.done).toBe(files.size)
  })

  it('is completed when its snapshot lost files', async () => {
    const { hub, home, locate } = await place()
    const { dir } = await locate(single)
    const folder = join(home, 'hub/models--tiny--qwen3-reranker')
    rmSync(join(folder, 'blobs', readlinkSync(join(dir, 'tokenizer.json')).split('/').at(-1)!))
    rmSync(join(dir, 'config.json'))
    expect((await locate(single)).source).toBe('hub')
    expectFiles(dir, hub.repositories.get(single)!)
  })
})

describe('offline', () => {
  it.each([{ HF_HUB_OFFLINE: '1' }, { TRANSFORMERS_OFFLINE: '1' }])(
    'a cache made by Python is used: %o',
    async (env) => {
      const { hub, home, locate } = await place()
      const folder = join(home, 'hub/models--tiny--qwen3-reranker')
      await mkdir(join(folder, 'refs'), { recursive: true })
      await mkdir(join(folder, 'snapshots', commit1), { recursive: true })
      writeFileSync(join(folder, 'refs/main'), commit1)
      const golden = goldenPath('checkpoints/qwen3-reranker')
      for (const file of readdirSync(golden)) symlinkSync(join(golden, file), join(folder, 'snapshots', commit1, file))
      const located = await locate(single, { env })
      expect(located).toEqual({
        dir: join(folder, 'snapshots', commit1),
        id: single,
        source: 'cache',
        revision: commit1,
      })
      expect(hub.requests).toEqual([])
    },
  )

  it('a model that was never fetched is refused', async () => {
    const { hub, home, locate } = await place()
    const error = await expectFailure(() => locate(single, { offline: true }), 'MODEL_NOT_FOUND', ['offline', home])
    expect(error.exit).toBe(3)
    expect(hub.requests).toEqual([])
    expect(readdirSync(home)).toEqual([])
  })

  it('a revision that was never fetched is refused', async () => {
    const { locate } = await place()
    await locate(single)
    await expectFailure(() => locate(single, { offline: true, revision: 'v2' }), 'MODEL_NOT_FOUND', 'offline')
  })

  it.each([
    [single, 'config.json'],
    [single, 'model.safetensors'],
    [single, 'tokenizer.json'],
    [sharded, 'model-00002-of-00003.safetensors'],
    [sharded, '1_Pooling/config.json'],
  ])('%s without %s is refused', async (id, file) => {
    const { locate } = await place()
    const { dir } = await locate(id)
    rmSync(join(dir, file))
    await expectFailure(() => locate(id, { offline: true }), 'MODEL_NOT_FOUND', `lacks ${file}`)
  })
})

describe('a hub that does not answer as hoped', () => {
  it.each(['closed', 'status 503', 'status 401'])('a whole cached model is used with a warning: %s', async (how) => {
    const { hub, locate } = await place()
    const first = await locate(single)
    if (how === 'closed') await hub.close()
    else hub.constantFaults.set('info', { kind: 'status', status: Number(how.slice(7)) })
    hub.requests.length = 0
    const warnings: string[] = []
    expect(await locate(single, { warn: (message) => warnings.push(message) })).toEqual({ ...first, source: 'cache' })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('without checking')
    expect(hub.requests.length).toBe(how === 'closed' ? 0 : 1)
  })

  const statuses: [status: number, headers: Record<string, string>, code: string, exit: number, words: string[]][] = [
    [401, {}, 'HUB_UNAUTHORIZED', 3, ['status 401', 'no token was sent']],
    [403, { 'x-error-code': 'GatedRepo' }, 'HUB_UNAUTHORIZED', 3, ['status 403', 'gated']],
    [404, {}, 'MODEL_NOT_FOUND', 3, [single, 'revision main', 'http://127.0.0.1']],
    [404, { 'x-error-code': 'RevisionNotFound' }, 'MODEL_NOT_FOUND', 3, ['no such revision']],
    [500, {}, 'HUB_UNAVAILABLE', 1, ['status 500']],
    [418, {}, 'HUB_UNAVAILABLE', 1, ['status 418']],
  ]
  it.each(statuses)('status %i %o is %s, exit %i', async (status, headers, code, exit, words) => {
    const { hub, home, locate } = await place()
    hub.constantFaults.set('info', { kind: 'status', status, headers })
    const error = await expectFailure(() => locate(single), code, words)
    expect(error.exit).toBe(exit)
    expect(readdirSync(home)).toEqual([])
    expect(hub.requests.length).toBe(status === 500 ? 5 : 1)
  })

  it('a refused connection is HUB_UNAVAILABLE', async () => {
    const { hub, locate } = await place()
    await hub.close()
    await expectFailure(() => locate(single), 'HUB_UNAVAILABLE', 'refused the connection')
  })

  it('an unknown repository and an unknown revision are MODEL_NOT_FOUND', async () => {
    const { locate } = await place()
    await expectFailure(() => locate('tiny/other'), 'MODEL_NOT_FOUND', 'tiny/other')
    await expectFailure(() => locate(single, { revision: 'v9' }), 'MODEL_NOT_FOUND', 'v9')
  })

  it.each(['../../evil.safetensors', '/abs.safetensors', 'a\\b.json', 'a\0b', 'a/./b', '1_Pooling/../../config.json'])(
    'a file named %j is refused before anything is written',
    async (name) => {
      const repository = { ...goldenRepository('qwen3-reranker'), extraNames: [name] }
      const { hub, home, locate } = await place({ [single]: repository })
      await expectFailure(() => locate(single), 'MODEL_UNSUPPORTED', 'outside the folder')
      expect(fileRequests(hub)).toEqual([])
      expect(readdirSync(home)).toEqual([])
    },
  )

  const contents: [what: string, change: (files: Map<string, Buffer>) => void, code: string, words: string][] = [
    ['no config.json', (files) => files.delete('config.json'), 'CHECKPOINT_FILE_MISSING', 'config.json'],
    ['weights only as pickles', (files) => rename(files, 'pytorch_model.bin'), 'MODEL_UNSUPPORTED', 'pickles'],
    ['weights only as GGUF', (files) => rename(files, 'model-q4.gguf'), 'MODEL_UNSUPPORTED', 'GGUF'],
    ['no weights', (files) => files.delete('model.safetensors'), 'MODEL_UNSUPPORTED', 'no weights'],
    [
      'an index that lists a file elsewhere',
      (files) => setIndex(files, '../x.safetensors'),
      'CHECKPOINT_INVALID',
      'index',
    ],
    [
      'an index that lists a missing shard',
      (files) => setIndex(files, 'b.safetensors'),
      'CHECKPOINT_FILE_MISSING',
      'b.safe',
    ],
  ]
  it.each(contents)('a repository with %s is refused', async (_, change, code, words) => {
    const repository = goldenRepository('qwen3-reranker')
    change(repository.files)
    const { locate } = await place({ [single]: repository })
    expect((await expectFailure(() => locate(single), code, words)).exit).toBe(3)
  })
})

function rename(files: Map<string, Buffer>, name: string): void {
  files.set(name, files.get('model.safetensors')!)
  files.delete('model.safetensors')
}

function setIndex(files: Map<string, Buffer>, shard: string): void {
  files.set('model.safetensors.index.json', Buffer.from(JSON.stringify({ weight_map: { a: shard } })))
}

describe('the token', () => {
  it.each<[env: Record<string, string>, sent: string | undefined]>([
    [{}, undefined],
    [{ HF_TOKEN: 'hf_a' }, 'Bearer hf_a'],
    [{ HUGGING_FACE_HUB_TOKEN: 'hf_b' }, 'Bearer hf_b'],
    [{ HF_TOKEN: ' ', HUGGING_FACE_HUB_TOKEN: 'hf_c' }, 'Bearer hf_c'],
  ])('from %o is sent as %s', async (env, sent) => {
    const { hub, locate } = await place()
    await locate(single, { env })
    expect(new Set(hub.requests.map(({ authorization }) => authorization))).toEqual(new Set([sent]))
  })

  it('comes from the token file, in HF_HOME or at HF_TOKEN_PATH', async () => {
    const { hub, home, locate } = await place()
    const file = join(home, 'elsewhere')
    writeFileSync(join(home, 'token'), 'hf_home\n')
    writeFileSync(file, 'hf_path\n')
    await locate(single)
    await locate(single, { env: { HF_TOKEN_PATH: file } })
    expect(new Set(hub.requests.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer hf_home', 'Bearer hf_path']),
    )
  })

  it('does not leave the hub', async () => {
    const { hub, locate } = await place()
    const content = await startHub({ [single]: goldenRepository('qwen3-reranker') })
    hub.contentUrl = content.url
    const { dir } = await locate(single, { env: { HF_TOKEN: 'hf_secret' } })
    expectFiles(dir, content.repositories.get(single)!)
    expect(content.requests.map(({ authorization }) => authorization)).toEqual([undefined])
  })

  it('with a line break is refused', async () => {
    const { hub, locate } = await place()
    await expectFailure(() => locate(single, { env: { HF_TOKEN: 'hf_a\nx: y' } }), 'HUB_UNAUTHORIZED', 'HF_TOKEN')
    expect(hub.requests).toEqual([])
  })
})

it('a snapshot holds links, and no blob is a link', async () => {
  const { home, locate } = await place()
  const { dir } = await locate(single)
  const blobs = join(home, 'hub/models--tiny--qwen3-reranker/blobs')
  expect(filesBelow(dir).every((file) => lstatSync(join(dir, file)).isSymbolicLink())).toBe(true)
  expect(filesBelow(blobs).every((file) => lstatSync(join(blobs, file)).isFile())).toBe(true)
})
