// Flags to engine options: defaults, templates, and what this build refuses.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineOptions, numberSettings } from '#qvl/cli/engine-options.js'
import { readSettings } from '#qvl/cli/settings.js'
import { hasAddon } from '#qvl/devices/cpu/addon.js'

let folder = ''
let template = ''

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-options-'))
  template = path.join(folder, 'score.jinja')
  await writeFile(template, '{{ messages[0].content }}\n\n')
})

afterAll(() => rm(folder, { recursive: true }))

async function options(command: 'score' | 'embed', ...args: string[]) {
  const { settings } = await readSettings(command, args, { XDG_CONFIG_HOME: '/nonexistent' })
  return engineOptions(settings, command, { note: () => {} })
}

describe('engineOptions', () => {
  it('chooses a model for each command', async () => {
    expect((await options('score')).model).toBe('Qwen/Qwen3-VL-Reranker-2B')
    expect((await options('embed')).model).toBe('Qwen/Qwen3-VL-Embedding-2B')
  })

  it('passes flags on', async () => {
    const args = ['-m', 'X', '--device=cpu', '--max-model-len', '8k', '--hf-overrides.a', '1', '--dtype', 'float']
    const others = ['--quantization', 'int8', '--no-enable-prefix-caching']
    expect(await options('score', ...args, ...others)).toMatchObject({
      model: 'X',
      device: 'cpu',
      dtype: 'float32',
      quantization: 'int8',
      enablePrefixCaching: false,
      maxModelLen: 8000,
      hfOverrides: { a: 1 },
      convert: 'auto',
      specialTokensInText: 'literal',
    })
    const plain = { dtype: 'auto', quantization: undefined, enablePrefixCaching: true }
    expect(await options('embed')).toMatchObject({ ...plain, device: hasAddon() ? 'cpu' : 'ort' })
    expect(await options('embed', '--quantization', 'None')).toMatchObject(plain)
  })

  it('uses several devices and float16 where a device has them, and says where a number does nothing', async () => {
    const npu = await options('score', '--device', 'npu', '-dp', '4', '--dtype', 'half')
    expect(npu).toMatchObject({ device: 'npu', dataParallelSize: 4, dtype: 'float16' })
    expect(numberSettings(npu).dataParallelSize).toBe(4)
    const notes: string[] = []
    const words = ['--device', 'ort', '--data-parallel-size', '2']
    const { settings } = await readSettings('score', words, { XDG_CONFIG_HOME: '/nonexistent' })
    const ort = await engineOptions(settings, 'score', { note: (message) => notes.push(message) })
    expect(ort.dataParallelSize).toBeUndefined()
    expect(notes).toEqual([expect.stringMatching(/^--data-parallel-size 2 has no effect on the device ort/)])
  })

  it.each<[string, () => string, () => { name: string; text: string }]>([
    ['a file', () => template, () => ({ name: template, text: '{{ messages[0].content }}\n\n' })],
    ['a text with braces', () => '{{ query }}', () => ({ name: '--chat-template', text: '{{ query }}' })],
    ['a text with a line end', () => 'a\nb', () => ({ name: '--chat-template', text: 'a\nb' })],
  ])('reads a template from %s', async (_, given, expected) => {
    expect((await options('score', `--chat-template=${given()}`)).chatTemplate).toEqual(expected())
  })

  it('a template file that is not there is not taken for a template', async () => {
    await expect(options('score', '--chat-template', 'lost.jinja')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('looks like a file path, but it failed to be opened'),
    })
  })

  it.each([
    '--chat-template={{ query }}',
    '--hf-overrides.a=1',
    '--dtype=bfloat16',
    '--quantization=int8',
    '--no-enable-prefix-caching',
  ])('a resumed run must have the same %s', async (flag) => {
    const [plain, other] = [await options('score'), await options('score', flag)]
    expect(numberSettings(other)).not.toEqual(numberSettings(plain))
    expect(numberSettings(await options('score'))).toEqual(numberSettings(plain))
  })
})
