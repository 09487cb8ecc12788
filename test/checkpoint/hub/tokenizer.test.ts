import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Located, type LocateOptions, locateTokenizer } from '#qvl/checkpoint/locate.js'
import { goldenPath } from '../../support/golden.js'
import { temporaryFolder } from '../folders.js'
import { cacheFolderName, expectFailure, expectFiles, filesBelow, type Place, place, single } from './place.js'
import { commit1, commit2, goldenRepository, quickLimits } from './server.js'

type Hub = 'Hugging Face' | 'ModelScope'
const hubs: Hub[] = ['Hugging Face', 'ModelScope']
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json']

/** Finds the tokenizer, or the whole model, on the loopback hub. */
async function start(
  hub: Hub,
): Promise<Place & { tokenizer: (options?: LocateOptions) => Promise<Located>; model: Place['locate'] }> {
  const at = await place()
  const modelScope = {
    VLLM_USE_MODELSCOPE: '1',
    MODELSCOPE_ENDPOINT: at.hub.url,
    MODELSCOPE_CACHE: join(at.home, 'ms'),
  }
  const own = hub === 'ModelScope' ? modelScope : {}
  const env = { HF_ENDPOINT: at.hub.url, HF_HOME: at.home, HOME: at.home, ...own }
  return {
    ...at,
    tokenizer: (options = {}) => locateTokenizer(single, { env, limits: quickLimits, ...options }),
    model: (ref, options = {}) => at.locate(ref, { env, ...options }),
  }
}

const ownFiles = (dir: string): string[] => filesBelow(dir).filter((file) => !file.startsWith('.qvl/'))

describe.each(hubs)('a tokenizer from %s', (hub) => {
  it('comes without its model', async () => {
    const { tokenizer } = await start(hub)
    const { dir, source } = await tokenizer()
    expect(ownFiles(dir)).toEqual(tokenizerFiles)
    expect(
      readFileSync(join(dir, 'tokenizer.json')).equals(
        readFileSync(goldenPath('checkpoints/qwen3-reranker/tokenizer.json')),
      ),
    ).toBe(true)
    expect(source).not.toBe('cache')
  })

  it('is used again, also offline', async () => {
    const { tokenizer } = await start(hub)
    const { dir } = await tokenizer()
    expect(await tokenizer()).toMatchObject({ dir, source: 'cache' })
    expect(await tokenizer({ offline: true })).toMatchObject({ dir, source: 'cache' })
  })

  it('is not taken for the model, which can follow', async () => {
    const { hub: server, tokenizer, model } = await start(hub)
    const { dir } = await tokenizer()
    await expectFailure(() => model(single, { offline: true }), 'MODEL_NOT_FOUND', 'config.json')
    expect((await model(single)).dir).toBe(dir)
    expect(ownFiles(dir)).toEqual([...server.repositories.get(single)!.files.keys()].sort())
  })

  it('is found in a cached model', async () => {
    const { tokenizer, model } = await start(hub)
    const { dir } = await model(single)
    expect(await tokenizer({ offline: true })).toMatchObject({ dir, source: 'cache' })
  })

  it('that the repository lacks is reported', async () => {
    const { hub: server, tokenizer } = await start(hub)
    server.repositories.get(single)!.files.delete('tokenizer.json')
    await expectFailure(() => tokenizer(), 'CHECKPOINT_FILE_MISSING', 'tokenizer.json')
  })
})

describe('a tokenizer of a newer commit', () => {
  it('leaves the branch at the cached model, which still works offline', async () => {
    const { hub, home, tokenizer, model } = await start('Hugging Face')
    const { dir } = await model(single)
    const newer = goldenRepository('qwen3-reranker', commit2)
    newer.files.set('tokenizer_config.json', Buffer.from('{"changed":true}'))
    hub.repositories.set(single, newer)
    const located = await tokenizer()
    expect(located.revision).toBe(commit2)
    expect(readFileSync(join(located.dir, 'tokenizer_config.json'), 'utf8')).toBe('{"changed":true}')
    expect(readFileSync(join(home, 'hub', cacheFolderName[single]!, 'refs/main'), 'utf8')).toBe(commit1)
    expect((await model(single, { offline: true })).dir).toBe(dir)
    expectFiles(dir, goldenRepository('qwen3-reranker'))
  })
})

describe('a tokenizer in a folder', () => {
  it('needs tokenizer.json', async () => {
    const folder = goldenPath('checkpoints/qwen3-reranker')
    expect(await locateTokenizer(folder)).toEqual({ dir: folder, id: folder, source: 'folder' })
    const empty = temporaryFolder()
    await expectFailure(() => locateTokenizer(empty), 'CHECKPOINT_FILE_MISSING', 'tokenizer.json')
  })
})
