import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  hubCacheFolder,
  hubEndpoint,
  isOffline,
  modelScopeCacheFolder,
  usesModelScope,
} from '#qvl/checkpoint/hub/settings.js'
import { expectError } from '../folders.js'

type Env = Record<string, string>

describe('the cache folder', () => {
  const cases: [env: Env, downloadDir: string | undefined, folder: string][] = [
    [{ HOME: '/h' }, undefined, '/h/.cache/huggingface/hub'],
    [{ HOME: '/h', XDG_CACHE_HOME: '/x' }, undefined, '/x/huggingface/hub'],
    [{ HOME: '/h', XDG_CACHE_HOME: '/x', HF_HOME: '/hf' }, undefined, '/hf/hub'],
    [{ HOME: '/h', HF_HOME: '~/hf' }, undefined, '/h/hf/hub'],
    [{ HF_HOME: '/hf', HUGGINGFACE_HUB_CACHE: '/old' }, undefined, '/old'],
    [{ HF_HOME: '/hf', HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/c' }, undefined, '/c'],
    [{ HF_HUB_CACHE: '', HF_HOME: '/hf' }, undefined, '/hf/hub'],
    [{ HF_HUB_CACHE: '/c' }, '/d', '/d'],
    [{ HF_HUB_CACHE: 'c' }, undefined, resolve('c')],
    [{}, undefined, join(homedir(), '.cache/huggingface/hub')],
  ]
  it.each(cases)('with %o and --download-dir %s is %s', (env, downloadDir, folder) => {
    expect(hubCacheFolder({ env, downloadDir })).toBe(folder)
  })

  const modelScope: [env: Env, downloadDir: string | undefined, folder: string][] = [
    [{ HOME: '/h' }, undefined, '/h/.cache/modelscope/hub/models'],
    [{ MODELSCOPE_CACHE: '/m' }, undefined, '/m/models'],
    [{ MODELSCOPE_CACHE: '/m' }, '/d', '/d'],
  ]
  it.each(modelScope)('of ModelScope with %o and --download-dir %s is %s', (env, downloadDir, folder) => {
    expect(modelScopeCacheFolder({ env, downloadDir })).toBe(folder)
  })
})

it.each<[env: Env, offline: boolean]>([
  [{}, false],
  [{ HF_HUB_OFFLINE: '0' }, false],
  [{ HF_HUB_OFFLINE: '1' }, true],
  [{ HF_HUB_OFFLINE: 'true' }, true],
  [{ TRANSFORMERS_OFFLINE: 'YES' }, true],
])('offline with %o: %s', (env, offline) => {
  expect(isOffline(env)).toBe(offline)
})

it.each<[value: string, result: boolean]>([
  ['1', true],
  ['True', true],
  ['0', false],
  ['', false],
])('VLLM_USE_MODELSCOPE=%s: %s', (value, result) => {
  expect(usesModelScope({ VLLM_USE_MODELSCOPE: value })).toBe(result)
})

describe('the endpoint', () => {
  it.each<[env: Env, endpoint: string]>([
    [{}, 'https://huggingface.co'],
    [{ HF_ENDPOINT: 'https://mirror.example/hf//' }, 'https://mirror.example/hf'],
  ])('with %o is %s', (env, endpoint) => {
    expect(hubEndpoint(env)).toBe(endpoint)
  })

  it.each(['mirror.example', 'ftp://mirror.example', 'file:///etc'])('%s is refused', async (HF_ENDPOINT) => {
    await expectError(() => hubEndpoint({ HF_ENDPOINT }), 'USAGE', HF_ENDPOINT)
  })
})
