// Flags to engine options: defaults, templates, and what this build refuses.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineOptions, numberSettings } from '#qvl/cli/engine-options.js'
import { readSettings } from '#qvl/cli/settings.js'

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
  return engineOptions(settings, command)
}

describe('engineOptions', () => {
  it('chooses a model for each command', async () => {
    expect((await options('score')).model).toBe('Qwen/Qwen3-VL-Reranker-2B')
    expect((await options('embed')).model).toBe('Qwen/Qwen3-VL-Embedding-2B')
  })

  it('passes flags on', async () => {
    const args = ['-m', 'X', '--device=reference', '--max-model-len', '8k', '--hf-overrides.a', '1', '--dtype', 'float']
    expect(await options('score', ...args)).toMatchObject({
      model: 'X',
      device: 'reference',
      maxModelLen: 8000,
      hfOverrides: { a: 1 },
      convert: 'auto',
      specialTokensInText: 'literal',
    })
    expect((await options('embed')).device).toBe('ort')
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

  it('a resumed run must have the same template and overrides', async () => {
    const [plain, other] = [await options('score'), await options('score', '--chat-template={{ query }}')]
    expect(numberSettings(other)).not.toEqual(numberSettings(plain))
    expect(numberSettings(await options('score'))).toEqual(numberSettings(plain))
  })
})
