// Starts every `qvl serve` of the documentation that says ```sh run=serve, with a tiny model of the same kind.

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServerProcess, spawnServe, startServer } from '../support/server.js'
import { fencesOf, pagesAt } from './pages.js'
import { runnerOf } from './runners.js'
import { withTinyModels } from './tiny-models.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

const lines = pagesAt(root).flatMap((page) =>
  fencesOf(page)
    .filter((fence) => runnerOf(fence, page) === 'repository/docs-servers.test.ts')
    .flatMap(({ line, text }) =>
      text
        .replace(/\\\n\s*/g, ' ')
        .split('\n')
        .filter((command) => command !== '')
        .map((command) => ({ path: page.path, line, command })),
    ),
)

let folder: string
let replica: ServerProcess
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-docs-servers-'))
  await writeFile(join(folder, 'keys.txt'), 'a-key\n')
  for (const name of ['qwen3_reranker.jinja', 'qwen3_vl_reranker.jinja'])
    await copyFile(join(root, 'templates', name), join(folder, name))
  replica = await startServer('qwen3-embedding')
})
afterAll(async () => {
  await replica?.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('servers', () => {
  it('are there', () => {
    expect(lines.length).toBeGreaterThan(5)
  })

  it.each(lines)('$path:$line $command', async ({ command }) => {
    await using server = spawnServe(wordsOf(command), { cwd: folder })
    await server.logged('Application startup complete.')
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
  })
})

/** At a free port, behind the words `qvl serve`. */
function wordsOf(command: string): string[] {
  const replaced = withTinyModels(command).replace(/http:\/\/10\.\S*/, replica.url)
  const words = /^(?:npx )?qvl serve (.*)$/.exec(replaced)?.[1]?.match(/(?:'[^']*'|\S)+/g)
  if (!words) throw new Error(`not one server: ${command}`)
  return [...words.map((word) => word.replaceAll("'", '')), '--port', '0']
}
