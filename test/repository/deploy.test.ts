// The files of examples/deploy against the program: what they name is there, and their command lines start a server.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { flagsOf } from '#qvl/cli/command-options.js'
import { environmentName } from '#qvl/cli/flag.js'
import { limitTable } from '#qvl/server/limits.js'
import { routeTable } from '#qvl/server/routes.js'
import { checkpointPath, type ServerProcess, spawnServe } from '../support/server.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string): string => readFileSync(join(root, 'examples/deploy', name), 'utf8')

const names = [
  'Dockerfile',
  'Dockerfile.ascend',
  'compose.yaml',
  'kubernetes.yaml',
  'qvl.service',
  'qvl.env',
  'README.md',
]
const images = ['Dockerfile', 'Dockerfile.ascend']

/** Flags of docker, npm, apt-get, kubectl, useradd and systemctl. */
const ofOthers = new Set([
  ...['build', 'build-arg', 'cap-drop', 'from', 'interval', 'read-only', 'retries', 'rm', 'security-opt'],
  ...['start-period', 'timeout', 'tmpfs', 'ignore-scripts', 'omit', 'no-install-recommends', 'from-literal'],
  ...['system', 'home-dir', 'shell', 'now'],
])

const compose = parse(read('compose.yaml'), { merge: true })
const kubernetes = parseAllDocuments(read('kubernetes.yaml')).map((document) => document.toJS())
const pod = kubernetes.find(({ kind }) => kind === 'Deployment').spec.template.spec
const container = pod.containers[0]
/** `NAME=value` of a file, without comments. */
const settings = Object.fromEntries([...read('qvl.env').matchAll(/^(\w+)=(.*)$/gm)].map((match) => match.slice(1)))

let folder: string
let keys: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-deploy-'))
  keys = join(folder, 'keys.txt')
  await writeFile(keys, 'a-key\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('what they name', () => {
  it.each(names)('%s: flags and variables', (name) => {
    const flags = flagsOf('serve').flatMap(({ name: flag, type }) => (type === 'bool' ? [flag, `no-${flag}`] : [flag]))
    const variables = ['QVL_CACHE', ...flagsOf('serve').map(environmentName)]
    const wrong = [
      ...[...read(name).matchAll(/(?<![\w-])--([a-z][\w-]*)/g)]
        .map((match) => match[1]!)
        .filter((flag) => !flags.includes(flag)),
      ...(read(name).match(/\bQVL_[A-Z_]+\b/g) ?? []).filter((variable) => !variables.includes(variable)),
    ]
    expect(wrong.filter((word) => !ofOthers.has(word))).toEqual([])
  })

  it.each(names)('%s: routes', (name) => {
    const paths = routeTable({ documentation: true, page: true }).flatMap((route) => route.paths)
    const named = [...read(name).matchAll(/(?:127\.0\.0\.1:8000|path: )(\/[\w/]+)/g)].map((match) => match[1]!)
    expect(named.filter((path) => !paths.includes(path))).toEqual([])
    expect(named.length > 0).toBe(/HEALTHCHECK|httpGet/.test(read(name)))
  })

  it.each(names)('%s: files of the repository', (name) => {
    const named = read(name).match(/\b(?:examples|docs|test)\/[\w./-]*\w/g) ?? []
    expect(named.filter((path) => path !== 'examples/deploy/keys.txt' && !existsSync(join(root, path)))).toEqual([])
  })
})

describe.each(images)('%s', (name) => {
  const text = read(name)
  const copies = [...text.matchAll(/^COPY (--from=build )?(.+) (\S+)$/gm)].map(([, from, sources, to]) => ({
    isBuilt: from !== undefined,
    sources: sources!.split(' '),
    to: to!,
  }))

  it('copies what is there, and what its ignore file lets through', () => {
    const allowed = [...read(`${name}.dockerignore`).matchAll(/^!(.+)$/gm)].map((match) => match[1]!)
    const copied = copies.filter(({ isBuilt }) => !isBuilt).flatMap(({ sources }) => sources)
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([])
    expect([...new Set(copied)].sort()).toEqual(allowed.sort())
  })

  it('holds all that qvl needs to compute', async () => {
    const image = join(folder, name)
    const runtime = copies.slice(copies.findIndex(({ isBuilt }) => isBuilt) - 2)
    for (const { sources, to } of runtime.filter(({ to }) => !to.startsWith('/usr')))
      for (const source of sources) await place(source.replace('/opt/qvl/', ''), image, to)
    const args = ['bin/qvl.js', 'embed', '--model', checkpointPath('qwen3-embedding'), '--text', 'A text.', '--json']
    const { code, output } = await run(process.execPath, args, image)
    expect(code, output).toBe(0)
    expect(output).toContain('"embedding"')
  })

  it('runs as a user without rights, with the exec form and the signal the server knows', () => {
    expect(text).toMatch(/^USER (node|1000:1000)$/m)
    expect(text).toMatch(/^ENTRYPOINT \[.*\]$/m)
    expect(text).toMatch(/^STOPSIGNAL SIGTERM$/m)
    const [program] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)![1]!)
    expect(['node', 'bash']).toContain(program)
  })
})

async function place(source: string, image: string, to: string): Promise<void> {
  for (const path of filesOf(source)) {
    const target = join(image, to.endsWith('/') ? join(to, path.split('/').at(-1)!) : to)
    await mkdir(dirname(target), { recursive: true })
    if (path === 'node_modules') await symlink(join(root, path), target)
    else await cp(join(root, path), target, { recursive: true })
  }
}

/** Of a path whose last part may be `*.` and an ending. */
function filesOf(source: string): string[] {
  const [at, ending] = source.split('/*')
  if (ending === undefined) return [source]
  // Without a compiler nothing was built, and ONNX Runtime computes.
  if (!existsSync(join(root, at!))) return []
  return readdirSync(join(root, at!)).flatMap((file) => (file.endsWith(ending) ? [`${at}/${file}`] : []))
}

describe('servers', () => {
  const model = checkpointPath('qwen3-reranker')
  const words = (): string[] =>
    container.args.map((word: string) =>
      word.replace('Qwen/Qwen3-Reranker-0.6B', model).replace(/^(--api-key-file)=.*/, (_, flag) => `${flag}=${keys}`),
    )

  it('of kubernetes.yaml answer its probes, need the key, and end in order', async () => {
    await using server = spawnServe([...words().slice(1), '--port', '0', '--drain-delay', '0'])
    await server.logged('Application startup complete.')
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
      expect((await fetch(server.url + container[probe].httpGet.path)).status, probe).toBe(200)
    await expectKey(server)
    expect(await runHealthCheck(server.port)).toBe(0)
    server.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it.each([
    ['compose.yaml', () => compose.services.reranker.environment],
    ['qvl.env', () => settings],
  ])('of %s start from their variables', async (_, variables) => {
    const given = Object.entries(variables()).filter(([name]) => name.startsWith('QVL_'))
    const env = { ...Object.fromEntries(given), QVL_API_KEY_FILE: keys, QVL_PORT: '0' }
    const named = 'QVL_MODEL' in env
    await using server = spawnServe(named ? [] : [model], { env: named ? { ...env, QVL_MODEL: model } : env })
    await server.logged('Application startup complete.')
    await expectKey(server)
  })

  it('that are not there fail the health check of the images', async () => {
    expect(await runHealthCheck(9)).toBe(1)
  })
})

async function expectKey(server: ServerProcess): Promise<void> {
  const body = { query: 'a', documents: ['b'] }
  expect((await server.post('/v1/rerank', body)).status).toBe(401)
  expect((await server.post('/v1/rerank', body, { authorization: 'Bearer a-key' })).status).toBe(200)
}

/** The command of both images, at another port. */
async function runHealthCheck(port: number): Promise<number | null> {
  const [command, other] = images.map((name) => /^ {2}CMD (\[.*\])$/m.exec(read(name))![1]!)
  expect(command).toBe(other)
  const [program, ...args] = JSON.parse(command!.replace(':8000', `:${port}`))
  return (await run(program === 'node' ? process.execPath : program, args, folder)).code
}

describe('grace periods', () => {
  const drain = limitTable.drainDelaySeconds.value + limitTable.drainSeconds.value
  it.each([
    ['compose.yaml', Number.parseInt(compose['x-server'].stop_grace_period, 10)],
    ['kubernetes.yaml', pod.terminationGracePeriodSeconds],
    ['qvl.service', Number(/^TimeoutStopSec=(\d+)$/m.exec(read('qvl.service'))![1])],
  ])('of %s are longer than the server takes to end', (_, seconds) => {
    expect(seconds).toBeGreaterThan(drain)
    expect(seconds).toBeLessThan(2 * drain)
  })
})

it('kubernetes.yaml has parts that belong together', () => {
  expect(kubernetes.map(({ kind }) => kind)).toEqual([
    ...['Deployment', 'PersistentVolumeClaim', 'Service', 'PodDisruptionBudget'],
  ])
  const [deployment, claim, service, budget] = kubernetes
  const { labels } = deployment.spec.template.metadata
  expect([deployment.spec.selector.matchLabels, service.spec.selector, budget.spec.selector.matchLabels]).toEqual(
    Array(3).fill(labels),
  )
  expect(service.spec.ports[0].targetPort).toBe(container.ports[0].name)
  expect(pod.volumes.map(({ name }: { name: string }) => name).sort()).toEqual(
    container.volumeMounts.map(({ name }: { name: string }) => name).sort(),
  )
  expect(pod.volumes[0].persistentVolumeClaim.claimName).toBe(claim.metadata.name)
})

describe('qvl.service', () => {
  const verifier = spawnSync('systemd-analyze', ['--version']).error === undefined

  it.skipIf(!verifier)('is a unit to systemd', async () => {
    const unit = join(folder, 'qvl.service')
    // Only the path of node differs from machine to machine.
    await writeFile(unit, read('qvl.service').replace('/usr/bin/node', process.execPath))
    expect(await run('systemd-analyze', ['verify', unit], folder)).toEqual({ code: 0, output: '' })
  })
})

async function run(program: string, args: readonly string[], cwd: string) {
  const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', QVL_CACHE: process.env.QVL_CACHE ?? folder }
  const child = spawn(program, args, { cwd, env, timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (output += part))
  const [code] = await once(child, 'close')
  return { code: code as number | null, output }
}
