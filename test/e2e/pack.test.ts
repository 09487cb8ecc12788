// A release as npm installs it into an empty folder: the program and the library run there.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { makeRelease, platform, run } from '../support/release.js'
import { embedder, reranker } from './run-qvl.js'

/** Packages that qvl depends on come from where npm is told to look. */
const canInstall = await run('npm', ['view', 'commander@14.0.3', 'version'], { timeout: 10_000 }).then(
  ({ stdout }) => stdout.includes('14.0.3'),
  () => false,
)

describe.skipIf(!canInstall || !hasAddon())(
  'npm install into an empty folder (needs a package registry and a compiler)',
  () => {
    let folder: string
    let project: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'qvl-install-'))
      project = join(folder, 'project')
      await mkdir(project)
      await writeFile(join(project, 'package.json'), '{ "type": "module", "private": true }\n')
      await makeRelease(join(folder, 'release'))
      const tarballs = await Promise.all([pack('qvl'), pack(`@qvl/${platform}`)])
      const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
      await run('npm', ['install', ...tarballs, ...quiet], { cwd: project, timeout: 100_000 })
    }, 120_000)
    afterAll(() => rm(folder, { recursive: true, force: true }))

    async function pack(name: string): Promise<string> {
      const cwd = join(folder, 'release', name)
      const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd })
      const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
      return join(folder, filename)
    }

    const npx = (args: readonly string[]) => {
      const env = { ...process.env, HF_HUB_OFFLINE: '1', NO_COLOR: '1' }
      return run('npx', ['--no-install', 'qvl', ...args], { cwd: project, timeout: 60_000, env })
    }

    it('the program runs', async () => {
      const { stdout } = await npx(['--version'])
      expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    })

    it('it scores on the cpu device', async () => {
      const asked = ['--query', 'a query', '--document', 'one', '--document', 'two']
      const { stdout, stderr } = await npx(['score', '--model', reranker, '--device', 'auto', '--verbose', ...asked])
      expect(JSON.parse(stdout).results).toHaveLength(2)
      expect(stderr).toContain('on cpu')
    })

    it('the library embeds on the cpu device', async () => {
      const text = `import { Engine } from 'qvl'
await Engine.open({ model: ${JSON.stringify(embedder)} }).then(async (engine) => {
  const { vectors } = await engine.embed(['one', 'two'])
  console.log(engine.model.device, vectors.length)
  await engine.close()
})
`
      await writeFile(join(project, 'program.js'), text)
      const { stdout } = await run(process.execPath, ['program.js'], { cwd: project, timeout: 60_000 })
      expect(stdout).toBe('cpu 2\n')
    })
  },
)
