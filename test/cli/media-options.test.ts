// Flags about images and videos as engine options.

import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineOptions, numberSettings } from '#qvl/cli/engine-options.js'
import { mediaOptions } from '#qvl/cli/media-options.js'
import { readSettings } from '#qvl/cli/settings.js'
import type { MediaOptions } from '#qvl/engine/options.js'

let folder = ''
beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'qvl-media-options-')))
  await writeFile(path.join(folder, 'file'), '')
})
afterAll(() => rm(folder, { recursive: true }))

async function settingsOf(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const words = args.map((arg) => arg.replace('@', folder))
  const { settings } = await readSettings('serve', words, { XDG_CONFIG_HOME: '/nonexistent', ...env })
  return settings
}

const optionsOf = async (args: readonly string[], env?: NodeJS.ProcessEnv, base?: string): Promise<MediaOptions> =>
  mediaOptions(await settingsOf(args, env), base)

describe('mediaOptions', () => {
  it('reads nothing of this machine and counts as the engine does, unless told so', async () => {
    const { localRoots, allowedDomains, allowedNetworks, limitPerPrompt, ...rest } = await optionsOf([])
    expect({ localRoots, allowedDomains, allowedNetworks, limitPerPrompt }).toEqual({
      localRoots: [],
      allowedDomains: [],
      allowedNetworks: [],
      limitPerPrompt: {},
    })
    expect(Object.values(rest).filter((value) => value !== undefined)).toEqual([])
  })

  it.each<[args: string[], expected: MediaOptions]>([
    [['--allowed-media-domains', 'a.example', 'b.example'], { allowedDomains: ['a.example', 'b.example'] }],
    [['--allowed-media-domains=a.example,b.example'], { allowedDomains: ['a.example', 'b.example'] }],
    [['--allowed-media-networks', '10.0.0.0/8', 'fd00::/8'], { allowedNetworks: ['10.0.0.0/8', 'fd00::/8'] }],
    [['--media-fetch-timeout', '2.5'], { fetchTimeoutMs: 2500 }],
    [['--limit-mm-per-prompt', '{"image":4,"video":1}'], { limitPerPrompt: { image: 4, video: 1 } }],
    [['--limit-mm-per-prompt.video', '0'], { limitPerPrompt: { video: 0 } }],
    [
      ['--limit-mm-per-prompt', '{"video":{"count":1,"num_frames":32,"width":512},"image":{"width":9},"audio":0}'],
      { limitPerPrompt: { video: 1 } },
    ],
    [['--limit-mm-per-prompt.image', '4', '--language-model-only'], { limitPerPrompt: { image: 0, video: 0 } }],
    [
      ['--mm-processor-kwargs', '{"max_pixels":1310720,"min_pixels":4096}'],
      { image: { maxPixels: 1_310_720, minPixels: 4096 } },
    ],
    [
      ['--mm-processor-kwargs', '{"size":{"shortest_edge":65536,"longest_edge":262144}}'],
      { image: { minPixels: 65_536, maxPixels: 262_144 } },
    ],
    [['--media-io-kwargs', '{"video":{"num_frames":32,"fps":2}}'], { video: { fps: 2, maxFrames: 32 } }],
    [['--media-io-kwargs.video.num_frames', '8'], { video: { minFrames: 8, maxFrames: 8 } }],
    [['--mm-processor-cache-gb', '0.5'], { cacheBytes: 2 ** 29 }],
    [['--mm-processor-cache-gb', '0'], { cacheBytes: 0 }],
    [['--ffmpeg-path', '/opt/ffmpeg'], { ffmpeg: '/opt/ffmpeg' }],
  ])('%j', async (args, expected) => {
    expect(await optionsOf(args)).toMatchObject(expected)
  })

  it('folders are those that are named, and the one that paths begin at', async () => {
    const args = ['--allowed-local-media-path', '@', '--allowed-local-media-path', '', '--allowed_local_media_path=/']
    expect(await optionsOf(args)).toMatchObject({ localRoots: [folder, '/'], localBase: undefined })
    expect(await optionsOf(args, {}, '/base')).toMatchObject({ localRoots: ['/base', folder, '/'], localBase: '/base' })
  })

  it.each<[env: NodeJS.ProcessEnv, timeoutMs: number]>([
    [{ VLLM_IMAGE_FETCH_TIMEOUT: '7' }, 7000],
    [{ VLLM_IMAGE_FETCH_TIMEOUT: '7', QVL_MEDIA_FETCH_TIMEOUT: '3' }, 3000],
  ])('the environment %j', async (env, fetchTimeoutMs) => {
    expect(await optionsOf([], env)).toMatchObject({ fetchTimeoutMs })
    expect(await optionsOf(['--media-fetch-timeout', '1'], env)).toMatchObject({ fetchTimeoutMs: 1000 })
  })

  it.each([
    [['--allowed-local-media-path', 'no such folder'], '--allowed-local-media-path'],
    [['--allowed-local-media-path', '@/file'], '--allowed-local-media-path'],
    [['--allowed-media-networks', '10.0.0.0/99'], '--allowed-media-networks'],
    [['--limit-mm-per-prompt.image', '-1'], '--limit-mm-per-prompt'],
    [['--limit-mm-per-prompt', '{"image":"many"}'], '--limit-mm-per-prompt'],
    [['--limit-mm-per-prompt', '{"images":1}'], '--limit-mm-per-prompt'],
    [['--mm-processor-kwargs', '{"max_pixel":1}'], '--mm-processor-kwargs'],
    [['--mm-processor-kwargs', '{"max_pixels":1024}'], '--mm-processor-kwargs'],
    [['--media-io-kwargs', '{"video":{"backend":"x"}}'], '--media-io-kwargs'],
  ])('%j is refused', async (args, param) => {
    await expect(optionsOf(args)).rejects.toMatchObject({ code: 'USAGE', details: { param } })
  })

  it.each(['--mm-processor-kwargs.max_pixels=65536', '--media-io-kwargs.video.fps=2', '--limit-mm-per-prompt.image=1'])(
    'a resumed run must have the same %s',
    async (flag) => {
      const numbers = async (...args: string[]) =>
        numberSettings(await engineOptions(await settingsOf(args), 'serve', { note: () => {} }))
      expect(await numbers(flag)).not.toEqual(await numbers())
      expect(await numbers(flag)).toEqual(await numbers(flag))
    },
  )
})
