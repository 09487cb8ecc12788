// Runs the examples of the documentation that say so: ```sh run=embed, ```js run=rerank. What stands in a `// ` comment
// behind a console.log is what it must print.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fencesOf, pagesAt } from '../repository/pages.js'
import { runnerOf } from '../repository/runners.js'
import { withTinyModels } from '../repository/tiny-models.js'
import { type ServerProcess, startServer } from '../support/server.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the server behind an example runs. */
const models = {
  embed: ['qwen3-embedding', 'Qwen/Qwen3-Embedding-0.6B'],
  rerank: ['qwen3-reranker', 'Qwen/Qwen3-Reranker-0.6B'],
} as const
type Kind = keyof typeof models | 'library'

const snippets = pagesAt(root).flatMap((page) =>
  fencesOf(page)
    .filter((fence) => runnerOf(fence, page) === 'clients/docs.test.ts')
    .map(({ language, line, run: kind, text }) => ({ page: page.path, line, language, kind: kind as Kind, text })),
)

const servers = new Map<Kind, ServerProcess>()
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'qvl-docs-'))
  // An answer that is an error makes curl fail, and the example with it.
  await writeFile(join(home, '.curlrc'), 'fail-with-body\nsilent\nshow-error\nmax-time = 30\n')
  for (const kind of ['embed', 'rerank'] as const) {
    const [checkpoint, name] = models[kind]
    servers.set(kind, await startServer(checkpoint, { args: ['--served-model-name', name] }))
  }
})
afterAll(async () => {
  await Promise.all([...servers.values()].map((each) => each.stop()))
  await rm(home, { recursive: true, force: true })
})

describe('the examples of the documentation', () => {
  it('are there', () => {
    expect(snippets.length).toBeGreaterThan(10)
  })

  it.each(snippets)('$page:$line', async ({ language, kind, text }) => {
    const url = servers.get(kind)?.url
    const code = url === undefined ? withTinyModels(text) : text.replaceAll('http://localhost:8000', url)
    const { stdout, stderr, exitCode } = language === 'sh' ? await run('bash', ['-e', '-c', code]) : await runNode(code)
    expect(exitCode, stdout + stderr).toBe(0)
    // The library warns where the fast device is not built.
    if (kind !== 'library') expect(stderr).toBe('')
    expect(stdout.trim()).not.toBe('')
    const printed = [...text.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map((match) => match[1])
    if (printed.length > 0) expect(stdout.trimEnd().split('\n')).toEqual(printed)
  })
})

/** From the root, so that the examples find the packages they import. */
const runNode = (code: string) => run(process.execPath, ['--input-type=module', '-e', code])

async function run(command: string, args: readonly string[]) {
  const { PATH = '', QVL_CACHE = home } = process.env
  const env = { PATH, QVL_CACHE, HOME: home, CURL_HOME: home }
  const child = spawn(command, args, { cwd: root, env, timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [exitCode] = await once(child, 'close')
  return { stdout, stderr, exitCode: exitCode as number | null }
}
