import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectFailure, filesBelow, place, sharded, single } from './place.js'
import { goldenRepository, type HubServer, type RepositoryFiles } from './server.js'

interface ModelScopePlace {
  hub: HubServer
  cache: string
  locate: (ref: string, options?: ModelScopeOptions) => ReturnType<Awaited<ReturnType<typeof place>>['locate']>
}

interface ModelScopeOptions {
  env?: Record<string, string>
  offline?: boolean
  revision?: string
  downloadDir?: string
  warn?: (message: string) => void
  signal?: AbortSignal
}

async function modelScope(repositories?: Record<string, RepositoryFiles>): Promise<ModelScopePlace> {
  const { hub, home, locate } = await place(repositories)
  const cache = join(home, 'ms')
  const base = { VLLM_USE_MODELSCOPE: '1', MODELSCOPE_ENDPOINT: hub.url, MODELSCOPE_CACHE: cache, HF_ENDPOINT: '' }
  return { hub, cache, locate: (ref, options = {}) => locate(ref, { ...options, env: { ...base, ...options.env } }) }
}

function expectFolder(dir: string, repository: RepositoryFiles): void {
  const files = filesBelow(dir).filter((file) => !file.startsWith('.qvl/'))
  expect(files).toEqual([...repository.files.keys()].sort())
  for (const [file, bytes] of repository.files) expect(readFileSync(join(dir, file)).equals(bytes), file).toBe(true)
  expect(filesBelow(join(dir, '.qvl'))).toEqual(['record.json'])
}

const downloads = ({ hub }: ModelScopePlace): string[] =>
  hub.requests.flatMap(({ url }) => new URL(url, hub.url).searchParams.get('FilePath') ?? [])

describe('a model from ModelScope', () => {
  it.each([single, sharded])('is laid out as Python does: %s', async (id) => {
    const at = await modelScope()
    const located = await at.locate(id)
    expect(located).toEqual({ dir: join(at.cache, 'models', id), id, source: 'modelscope' })
    expectFolder(located.dir, at.hub.repositories.get(id)!)
    expect(at.hub.requests[0]!.url).toBe(`/api/v1/models/${id}/repo/files?Revision=master&Recursive=true`)
  })

  it('with dots in its name goes where Python looks', async () => {
    const at = await modelScope({ 'tiny/q-0.6B': goldenRepository('qwen3-reranker') })
    expect((await at.locate('tiny/q-0.6B')).dir).toBe(join(at.cache, 'models/tiny/q-0___6B'))
  })

  it('costs one request the second time, and none offline', async () => {
    const at = await modelScope()
    await at.locate(single)
    at.hub.requests.length = 0
    expect((await at.locate(single)).source).toBe('cache')
    expect(at.hub.requests).toHaveLength(1)
    expect((await at.locate(single, { env: { HF_HUB_OFFLINE: '1' } })).source).toBe('cache')
    expect(at.hub.requests).toHaveLength(1)
  })

  it('goes into --download-dir instead of the cache', async () => {
    const at = await modelScope()
    const downloadDir = join(at.cache, '../here')
    expect((await at.locate(single, { downloadDir })).dir).toBe(join(downloadDir, single))
    expect(existsSync(at.cache)).toBe(false)
  })

  it('is brought up to date, and only what changed is fetched', async () => {
    const at = await modelScope()
    await at.locate(single)
    const { files } = at.hub.repositories.get(single)!
    const config = files.get('config.json')!
    files.set('config.json', Buffer.from(config.toString().replace('qwen3', 'qwen9')))
    at.hub.requests.length = 0
    const { dir } = await at.locate(single)
    expect(downloads(at)).toEqual(['config.json'])
    expectFolder(dir, at.hub.repositories.get(single)!)
  })

  it('that Python fetched is used after one look at its bytes', async () => {
    const at = await modelScope()
    const { dir } = await at.locate(single)
    rmSync(join(dir, '.qvl'), { recursive: true })
    expect((await at.locate(single, { offline: true })).source).toBe('cache')
    at.hub.requests.length = 0
    expect((await at.locate(single)).source).toBe('cache')
    expect(downloads(at)).toEqual([])
    expectFolder(dir, at.hub.repositories.get(single)!)
  })

  it('whose file was changed here is fetched again', async () => {
    const at = await modelScope()
    const { dir } = await at.locate(single)
    const path = join(dir, 'model.safetensors')
    const bytes = readFileSync(path)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(path, bytes)
    utimesSync(path, new Date(), new Date(Date.now() + 1000))
    at.hub.requests.length = 0
    await at.locate(single)
    expect(downloads(at)).toEqual(['model.safetensors'])
    expectFolder(dir, at.hub.repositories.get(single)!)
  })

  it('sends the access token', async () => {
    const at = await modelScope()
    await at.locate(single, { env: { MODELSCOPE_API_TOKEN: 'ms-1' } })
    expect(new Set(at.hub.requests.map(({ cookie }) => cookie))).toEqual(new Set(['m_session_id=ms-1']))
  })

  it('goes on after a cut connection and after wrong bytes', async () => {
    const at = await modelScope()
    at.hub.faults.set('model.safetensors', [{ kind: 'cut', after: 1000 }, { kind: 'wrongBytes' }])
    const { dir } = await at.locate(single)
    const ranges = at.hub.requests.filter(({ url }) => url.includes('FilePath=model.')).map(({ range }) => range)
    expect(ranges).toEqual([undefined, 'bytes=1000-', undefined])
    expectFolder(dir, at.hub.repositories.get(single)!)
  })

  it('is used with a warning when the hub is away', async () => {
    const at = await modelScope()
    await at.locate(single)
    await at.hub.close()
    const warnings: string[] = []
    expect((await at.locate(single, { warn: (message) => warnings.push(message) })).source).toBe('cache')
    expect(warnings).toHaveLength(1)
  })
})

describe('ModelScope refuses', () => {
  it('a model that does not exist', async () => {
    const at = await modelScope()
    const error = await expectFailure(() => at.locate('tiny/other'), 'MODEL_NOT_FOUND', ['tiny/other', 'master'])
    expect(error.exit).toBe(3)
    expect(existsSync(at.cache)).toBe(false)
  })

  it('a file whose bytes are always wrong, and does not use the folder offline', async () => {
    const at = await modelScope()
    at.hub.constantFaults.set('model.safetensors', { kind: 'wrongBytes' })
    await expectFailure(() => at.locate(single), 'HUB_FILE_CORRUPT', 'model.safetensors')
    await expectFailure(() => at.locate(single, { offline: true }), 'MODEL_NOT_FOUND', 'lacks model.safetensors')
  })

  it('a folder that was left between two versions, offline', async () => {
    const at = await modelScope()
    await at.locate(single)
    at.hub.repositories.set(single, changedConfig())
    at.hub.constantFaults.set('config.json', { kind: 'status', status: 403 })
    await expectFailure(() => at.locate(single), 'HUB_UNAUTHORIZED', 'status 403')
    await expectFailure(() => at.locate(single, { offline: true }), 'MODEL_NOT_FOUND', 'was interrupted')
  })

  it('another revision than the one fetched, offline', async () => {
    const at = await modelScope()
    await at.locate(single, { revision: 'v1' })
    expect((await at.locate(single, { revision: 'v1', offline: true })).source).toBe('cache')
    await expectFailure(() => at.locate(single, { revision: 'v2', offline: true }), 'MODEL_NOT_FOUND', 'revision v1')
  })

  it('a name without an organisation', async () => {
    const at = await modelScope()
    expect((await expectFailure(() => at.locate('model'), 'MODEL_REF_INVALID', 'org/name')).exit).toBe(2)
    expect(at.hub.requests).toEqual([])
  })
})

function changedConfig(): RepositoryFiles {
  const repository = goldenRepository('qwen3-reranker')
  repository.files.set('config.json', Buffer.from('{}'))
  return repository
}
