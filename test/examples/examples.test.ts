// Runs the examples as their users do, in a folder that has qvl installed, on tiny checkpoints.

import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { goldenPath } from '../support/golden.js'
import { consumerFolder, linkModules, makeRelease, platform, root, run } from '../support/release.js'

const model = (name: string): string => goldenPath(`checkpoints/${name}`)
const images = goldenPath('media')

/** The user's own dependency: @lancedb/lancedb and apache-arrow, once they are installed there. */
const vectorStoreModules = join(root, 'examples/vector-store/node_modules')
const hasLanceDb = existsSync(join(vectorStoreModules, '@lancedb/lancedb'))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-examples-'))
  await makeRelease(join(folder, 'release'))
  await consumerFolder(folder, join(folder, 'release'), ['qvl', `@qvl/${platform}`])
  const examples = ['image-search', 'rag-rerank', 'vector-store']
  const filter = (source: string): boolean => !source.includes('node_modules')
  for (const name of examples) await cp(join(root, 'examples', name), join(folder, name), { recursive: true, filter })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What a program of an example writes. */
async function ran(example: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, HF_HUB_OFFLINE: '1' }
  const { stdout, stderr } = await run(process.execPath, args, { cwd: join(folder, example), env, timeout: 60_000 })
  // Without native code one line says so.
  if (hasAddon()) expect(stderr).toBe('')
  return stdout
}

/** Lines of a score and a name, best first. */
function scored(text: string): { score: number; name: string }[] {
  const lines = text.trim().split('\n')
  const found = lines.map((line) => {
    const [, score, name = ''] = /^(-?\d\.\d{4}) (.+)$/.exec(line) ?? []
    return { score: Number(score), name }
  })
  expect(found.every(({ score }) => Number.isFinite(score))).toBe(true)
  expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).sort((one, other) => other - one))
  return found
}

describe('the examples', () => {
  it('image-search ranks the images of a folder', async () => {
    const found = scored(await ran('image-search', ['search.js', images, 'a red square', model('qwen3-vl-embedding')]))
    expect(found).toHaveLength(7)
    expect(found.map(({ name }) => name)).toContain(join(images, 'rgb_48x48.png'))
  })

  it('rag-rerank answers with three passages and a prompt', async () => {
    const question = 'How tight are the bolts of a wheel?'
    const models = [model('qwen3-embedding'), model('qwen3-reranker')]
    const text = await ran('rag-rerank', ['ask.js', question, ...models])
    const [passages = '', ...prompt] = text.split('\n\n')
    const found = scored(passages)
    expect(found).toHaveLength(3)
    for (const { name } of found) expect(name).toMatch(/^(engine|wheels|lights)\.md \S/)
    expect(prompt.join('\n\n')).toContain('[3] (')
    expect(text.trimEnd()).toMatch(new RegExp(`Question: ${question.replace('?', '\\?')}$`))
  })

  it.skipIf(!hasLanceDb)('vector-store fills a table, adds what is new, and finds it (needs LanceDB)', async () => {
    await linkModules(vectorStoreModules, folder)
    const files = join(folder, 'files')
    await cp(images, files, { recursive: true })
    const fill = ['fill.js', files, model('qwen3-vl-embedding')]
    expect(await ran('vector-store', fill)).toBe('added 7, 0 were there\n')
    await writeFile(join(files, 'note.txt'), 'A note about a red square.')
    expect(await ran('vector-store', fill)).toBe('added 1, 7 were there\n')
    const found = scored(await ran('vector-store', ['search.js', 'a red square', model('qwen3-vl-embedding')]))
    expect(found).toHaveLength(8)
  })

  it.each(['image-search/search.js', 'rag-rerank/ask.js'])('%s says what it is called with', async (path) => {
    const [example = '', file = ''] = path.split('/')
    await expect(ran(example, [file])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('usage: node'),
    })
  })
})
