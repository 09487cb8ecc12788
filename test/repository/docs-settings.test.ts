// Reads the settings of the documentation with the programs that they are for: ```yaml run=config, ```yaml run=probes.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { routeTable } from '#qvl/server/routes.js'
import { qvl } from '../e2e/run-qvl.js'
import { fencesOf, pagesAt } from './pages.js'
import { runnerOf } from './runners.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const blocks = pagesAt(root).flatMap((page) =>
  fencesOf(page)
    .filter((fence) => runnerOf(fence, page) === 'repository/docs-settings.test.ts')
    .map(({ line, run, text }) => ({ path: page.path, line, run, text })),
)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-docs-settings-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('config files', () => {
  it.each(blocks.filter(({ run }) => run === 'config'))('$path:$line holds, and every key counts', async ({ text }) => {
    const file = join(folder, 'config.yaml')
    await writeFile(file, text)
    const { code, stdout, stderr } = await qvl(['config', 'serve', '--config', file, '--json'])
    expect(code, stderr).toBe(0)
    const { settings }: { settings: { name: string; value: unknown; source: string }[] } = JSON.parse(stdout)
    const { serve = {}, ...others } = parse(text)
    for (const [key, value] of Object.entries({ ...others, ...serve })) {
      const setting = settings.find(({ name }) => name === key)
      expect(`${key}: ${setting?.value}`).toBe(`${key}: ${value}`)
      expect(setting?.source, key).not.toBe('default')
    }
  })
})

describe('probes', () => {
  it.each(blocks.filter(({ run }) => run === 'probes'))('$path:$line ask paths of the server', ({ text }) => {
    const paths = routeTable({ documentation: false }).flatMap((route) => route.paths)
    const asked = Object.values(parse(text)).flatMap((probe) => (isProbe(probe) ? [probe.httpGet.path] : []))
    expect(asked).toHaveLength(3)
    expect(asked.filter((path) => !paths.includes(path))).toEqual([])
  })
})

const isProbe = (value: unknown): value is { httpGet: { path: string } } =>
  typeof value === 'object' && value !== null && 'httpGet' in value
