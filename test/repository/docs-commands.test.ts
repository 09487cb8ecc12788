// Runs the command lines of the documentation that say so, such as ```sh run=rerank. What they name is replaced: models
// and shapes by tiny checkpoints of the same kind, the usual address by that of a server started here.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goldenPath } from '../support/golden.js'
import { type Checkpoint, type ServerProcess, startServer } from '../support/server.js'
import { fencesOf, pagesAt } from './pages.js'
import { runnerOf } from './runners.js'
import { withTinyModels } from './tiny-models.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The server that an example talks to, if any. */
const servers: Readonly<Record<string, Checkpoint | undefined>> = {
  rerank: 'qwen3-reranker',
  embed: 'qwen3-embedding',
  vl: 'qwen3-vl-reranker',
  'vl-lines': undefined,
  bench: 'qwen3-reranker',
  'bench-embed': 'qwen3-embedding',
  lines: undefined,
  throughput: undefined,
  demo: undefined,
}

const examples = pagesAt(root).flatMap((page) =>
  fencesOf(page)
    .filter((fence) => runnerOf(fence, page) === 'repository/docs-commands.test.ts')
    .map(({ line, run: kind = '', text }) => ({ path: page.path, line, kind, text })),
)

let folder: string
const started = new Map<Checkpoint, ServerProcess>()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-docs-commands-'))
  // An answer that is an error makes curl fail, and the example with it.
  await writeFile(join(folder, '.curlrc'), 'fail-with-body\nsilent\nshow-error\nmax-time = 30\n')
  await copyFile(goldenPath('media/rgb_48x48.png'), join(folder, 'square.png'))
  for (const name of ['qwen3-reranker', 'qwen3-embedding', 'qwen3-vl-reranker'] as const)
    started.set(name, await startServer(name))
})
afterAll(async () => {
  await Promise.all([...started.values()].map((server) => server.stop()))
  await rm(folder, { recursive: true, force: true })
})

describe('command lines', () => {
  it('are there, of every kind', () => {
    expect([...new Set(examples.map(({ kind }) => kind))].sort()).toEqual(Object.keys(servers).sort())
  })

  it.each(examples)('$path:$line', async ({ kind, text }) => {
    const url = started.get(servers[kind] ?? 'qwen3-embedding')!.url
    const { code, output } = await run(text, url)
    expect(code, output).toBe(0)
    expect(output).not.toMatch(/\berror\b/i)
  })
})

/** In an empty folder, with `qvl` and `npx qvl` as the program of this repository. */
async function run(text: string, url: string): Promise<{ code: number | null; output: string }> {
  const replaced = withTinyModels(text).replaceAll('http://localhost:8000', url)
  const program = `qvl() { "${process.execPath}" "${join(root, 'bin/qvl.js')}" "$@"; }; npx() { "$@"; }; npm() { [ "$*" = "run demo" ] && "${process.execPath}" "${join(root, 'scripts/demo.js')}"; }`
  const env = {
    ...{ PATH: process.env.PATH ?? '', HOME: folder, CURL_HOME: folder, HF_HUB_OFFLINE: '1' },
    QVL_CACHE: process.env.QVL_CACHE ?? folder,
    QVL_BASE_URL: url,
  }
  const child = spawn('bash', ['-e', '-c', `${program}\n${replaced}`], { cwd: folder, env, timeout: 50_000 })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (output += part))
  const [code] = await once(child, 'close')
  return { code, output }
}
