// `qvl models` against a hub on loopback: pulled, listed, verified, removed, in a cache of the layout of huggingface_hub.

import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { temporaryFolder } from '../checkpoint/folders.js'
import { commit1, commit2, goldenRepository, type HubServer, startHub } from '../checkpoint/hub/server.js'
import { bin, type Ended, ended, parseLines, qvl, startQvl } from './run-qvl.js'

const reranker = 'tiny/qwen3-reranker'
const embedder = 'tiny/qwen3-vl-embedding'

interface Place {
  hub: HubServer
  home: string
  env: Record<string, string>
  run: (...args: string[]) => Promise<Ended>
}

async function place(): Promise<Place> {
  const hub = await startHub({
    [reranker]: goldenRepository('qwen3-reranker'),
    [embedder]: goldenRepository('qwen3-vl-embedding'),
  })
  const home = temporaryFolder()
  const env = { HF_ENDPOINT: hub.url, HF_HOME: home, HOME: home, HF_HUB_OFFLINE: '0', QVL_CACHE: join(home, 'qvl') }
  return { hub, home, env, run: (...args) => qvl(['models', ...args], '', { env }) }
}

interface Listed {
  models: {
    id: string
    bytes: number
    unfinished_bytes: number
    revisions: {
      revision: string
      refs: string[]
      dir: string
      kind: string | null
      vision: boolean
      supported: boolean
      reason: string
      packed: { file: string; bytes: number; format: string }[]
    }[]
  }[]
  other_packed: unknown[]
}

async function listed({ run }: Place): Promise<Listed> {
  const { code, stdout, stderr } = await run('--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return parseLines<Listed>(stdout)[0]!
}

const folderOf = ({ home }: Place, id: string): string => join(home, 'hub', `models--${id.replace('/', '--')}`)

describe('an empty cache', () => {
  it('says how to fill it', async () => {
    const { run } = await place()
    const { code, stdout } = await run()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^0 models, 0 B, in .*hub\.\nFetch one with: qvl models pull /)
  })
})

describe('models pull', () => {
  it('fetches several, and finds them there the second time', async () => {
    const at = await place()
    const first = await at.run('pull', reranker, embedder)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout.split('\n')[0]).toMatch(/^tiny\/qwen3-reranker is fetched: .*snapshots/)
    const again = await at.run('pull', reranker, '--json')
    expect(parseLines(again.stdout)).toEqual([
      { id: reranker, dir: join(folderOf(at, reranker), 'snapshots', commit1), revision: commit1, fetched: false },
    ])
  })

  it('goes on with what an interrupted run left', async () => {
    const at = await place()
    const kept = 7_000
    at.hub.constantFaults.set('model.safetensors', { kind: 'stall', after: kept })
    const child = startQvl(['models', 'pull', reranker], { env: at.env })
    const partial = await fileOf(at, (found) => found.size === kept)
    child.kill('SIGINT')
    const { code, stderr } = await ended(child)
    expect(code).toBe(130)
    expect(stderr).toContain('what has arrived is kept')
    expect(statSync(partial).size).toBe(kept)
    at.hub.constantFaults.clear()
    at.hub.requests.length = 0
    expect((await at.run('pull', reranker)).code).toBe(0)
    const ranges = at.hub.requests.flatMap(({ range }) => range ?? [])
    expect([...new Set(ranges)]).toEqual([`bytes=${kept}-`])
    expect((await at.run('verify')).code).toBe(0)
  })

  it.each([
    [['pull'], 2, 'No model was named.'],
    [['pull', 'tiny/absent'], 3, 'was not found'],
    [['pull', '../x'], 2, 'names no model'],
    [['pull', reranker, '--revision', 'a b'], 2, 'is not usable'],
    [['pul', reranker], 2, 'Did you mean qvl models pull?'],
  ])('%j ends with %i', async (args, code, words) => {
    const { run } = await place()
    const done = await run(...args)
    expect(done.code).toBe(code)
    expect(done.stderr).toContain(words)
  })
})

describe('models', () => {
  it('tells kind, vision, revision and size', async () => {
    const at = await place()
    await at.run('pull', reranker, embedder)
    const { models } = await listed(at)
    expect(models.map(({ id, revisions: [one] }) => [id, one?.kind, one?.vision, one?.refs, one?.supported])).toEqual([
      [reranker, 'reranker', false, ['main'], true],
      [embedder, 'embedding', true, ['main'], true],
    ])
    for (const { id, bytes } of models) {
      const onDisk = blobsOf(at, id).reduce((sum, file) => sum + statSync(file).size, 0)
      expect(bytes).toBeGreaterThanOrEqual(onDisk)
      expect(bytes - onDisk).toBeLessThan(20_000)
    }
    const { stdout } = await at.run()
    expect(stdout).toMatch(/tiny\/qwen3-vl-embedding {2}main 11111111 .* embedding, vision/)
    expect((await at.run('list')).stdout).toBe(stdout)
  })

  it('says why a model is not to be run', async () => {
    const at = await place()
    const files = new Map(at.hub.repositories.get(reranker)!.files)
    files.set('config.json', Buffer.from('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}'))
    at.hub.repositories.set('tiny/other', { commit: commit2, files })
    await at.run('pull', 'tiny/other')
    const { models } = await listed(at)
    expect(models[0]!.revisions[0]).toMatchObject({ kind: null, supported: false })
    expect((await at.run()).stdout).toContain('tiny/other: It is the model "llama", which is not supported.')
  })

  it('counts an unfinished download', async () => {
    const at = await place()
    await at.run('pull', reranker)
    writeFileSync(join(folderOf(at, reranker), 'blobs', `${'a'.repeat(64)}.qvl.incomplete`), 'half of it')
    expect((await listed(at)).models[0]).toMatchObject({ unfinished_bytes: 10 })
    expect((await at.run()).stdout).toContain('10 B are unfinished downloads')
  })

  it.skipIf(!hasAddon())('names the packed forms of a model, which go with it', async () => {
    const at = await place()
    await at.run('pull', embedder)
    const args = ['embed', '--text', 'a', '-m', embedder, '--device', 'cpu', '--dtype', 'float32']
    expect(await qvl(args, '', { env: at.env })).toMatchObject({ code: 0 })
    const packed = (await listed(at)).models[0]!.revisions[0]!.packed
    expect(packed.length).toBeGreaterThan(0)
    for (const { file, bytes, format } of packed) {
      expect(statSync(file).size).toBe(bytes)
      expect(format).toBe('f32')
    }
    expect((await listed(at)).other_packed).toEqual([])
    expect((await at.run('verify')).code).toBe(0)
    flipByte(packed[0]!.file, 60)
    const damaged = await at.run('verify')
    expect(damaged.code).toBe(3)
    expect(damaged.stdout).toContain('table of checksums is damaged')
    expect((await at.run('remove', embedder, '-y')).code).toBe(0)
    expect(readdirSync(join(at.home, 'qvl', 'packed'))).toEqual([])
  })
})

describe('models verify', () => {
  it('reads everything and finds it sound', async () => {
    const at = await place()
    await at.run('pull', reranker, embedder)
    const { code, stdout } = await at.run('verify')
    expect(code).toBe(0)
    expect(stdout.match(/^tiny\/\S+ 11111111: sound, (\d+) files, \1 of them by their hash$/gm)).toHaveLength(2)
  })

  it.each([
    ['a changed byte', (file: string) => flipByte(file, 5_000), 'Its bytes do not have the hash that the hub gave.'],
    ['a cut file', (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 100)), 'the hash'],
  ])('finds %s, and a new pull mends it', async (_, damage, words) => {
    const at = await place()
    await at.run('pull', reranker)
    const dir = join(folderOf(at, reranker), 'snapshots', commit1)
    damage(realpathSync(join(dir, 'model.safetensors')))
    const { code, stdout } = await at.run('verify', reranker)
    expect(code).toBe(3)
    expect(stdout).toContain('  model.safetensors: ')
    expect(stdout).toContain(words)
    const fix = /To fetch it again: (.*)/.exec(stdout)![1]!
    for (const part of fix.split(' && '))
      expect((await qvl(part.split(' ').slice(1), '', { env: at.env })).code).toBe(0)
    expect((await at.run('verify', reranker)).code).toBe(0)
  })

  it('finds a link that leads nowhere, and tells it as JSON', async () => {
    const at = await place()
    await at.run('pull', reranker)
    const dir = join(folderOf(at, reranker), 'snapshots', commit1)
    rmSync(realpathSync(join(dir, 'tokenizer.json')))
    const { code, stdout } = await at.run('verify', '--json')
    expect(code).toBe(3)
    expect(parseLines(stdout)).toMatchObject([
      { id: reranker, sound: false, problems: [{ file: 'tokenizer.json', what: expect.stringContaining('missing') }] },
    ])
  })
})

const hasProgram = (path: string): boolean => existsSync(path)

describe('models remove', () => {
  it('does nothing without --yes where nobody can be asked', async () => {
    const at = await place()
    await at.run('pull', reranker)
    const { code, stderr } = await at.run('remove', reranker)
    expect(code).toBe(2)
    expect(stderr).toContain('Add --yes.')
    expect((await listed(at)).models).toHaveLength(1)
  })

  it.skipIf(!hasProgram('/usr/bin/script')).each([
    ['y\n', 0, 0],
    ['\n', 1, 1],
    ['\u0003', 130, 1],
    ['\u0004', 1, 1],
  ])('asks on a terminal: %j', async (answer, code, numLeft) => {
    const at = await place()
    await at.run('pull', reranker)
    const done = await onTerminal(['models', 'remove', reranker], answer, at.env)
    expect(done.output).toContain('Remove this? [y/N]')
    expect(done.code).toBe(code)
    expect((await listed(at)).models).toHaveLength(numLeft)
  })

  it('removes one revision, and only the bytes that no other shares', async () => {
    const at = await place()
    await at.run('pull', reranker)
    const repository = at.hub.repositories.get(reranker)!
    const changed = new Map(repository.files)
    changed.set('tokenizer_config.json', Buffer.concat([changed.get('tokenizer_config.json')!, Buffer.from('\n')]))
    at.hub.repositories.set(reranker, { commit: commit2, files: changed })
    await at.run('pull', reranker)
    const before = new Set(blobsOf(at, reranker))
    expect(before.size).toBe(repository.files.size + 1)
    const { code, stdout } = await at.run('remove', reranker, '--revision', '1111', '--yes', '--json')
    expect(code).toBe(0)
    expect(parseLines(stdout)).toMatchObject([{ id: reranker, revision: commit1 }])
    expect(blobsOf(at, reranker)).toHaveLength(repository.files.size)
    expect(existsSync(join(folderOf(at, reranker), 'snapshots', commit1))).toBe(false)
    expect((await at.run('verify')).code).toBe(0)
    expect((await at.run('remove', reranker, '--revision', 'main', '-y')).code).toBe(0)
    expect(existsSync(folderOf(at, reranker))).toBe(false)
  })

  it('refuses while another process fetches it', async () => {
    const at = await place()
    await at.run('pull', reranker)
    const locks = join(at.home, 'hub', '.locks', 'models--tiny--qwen3-reranker')
    mkdirSync(locks, { recursive: true })
    const lock = join(locks, 'abc.qvl.lock')
    const id = '00000000-0000-4000-8000-000000000000'
    writeFileSync(lock, JSON.stringify({ id, machine: `${hostname()} elsewhere`, pid: process.pid }))
    const { code, stderr } = await at.run('remove', reranker, '--yes')
    expect(code).toBe(1)
    expect(stderr).toContain('error[MODEL_BUSY]')
    expect((await listed(at)).models).toHaveLength(1)
  })

  it.skipIf(!hasProgram('/usr/bin/flock'))('refuses while Python holds its lock', async () => {
    const at = await place()
    await at.run('pull', reranker)
    const lock = join(at.home, 'hub', '.locks', 'models--tiny--qwen3-reranker', 'abc.lock')
    writeFileSync(lock, '')
    expect((await listed(at)).models).toHaveLength(1)
    const holder = spawn('/usr/bin/flock', [lock, 'sh', '-c', 'echo held; exec cat'])
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    const held = await at.run('remove', reranker, '--yes')
    holder.stdin.end()
    await new Promise((resolve) => holder.once('close', resolve))
    expect(held.stderr).toContain('error[MODEL_BUSY]')
    expect((await at.run('remove', reranker, '--yes')).code).toBe(0)
  })

  it('knows what it has not', async () => {
    const at = await place()
    await at.run('pull', reranker)
    const absent = await at.run('remove', 'tiny/qwen3-rerankr', '--yes')
    expect(absent).toMatchObject({ code: 3, stderr: expect.stringContaining('Did you mean tiny/qwen3-reranker?') })
    const revision = await at.run('remove', reranker, '--revision', 'v9', '--yes')
    expect(revision).toMatchObject({ code: 3, stderr: expect.stringContaining('It has: main, 11111111.') })
  })
})

describe('ModelScope', () => {
  it('is listed, verified and removed where it is in use', async () => {
    const at = await place()
    const env = { ...at.env, VLLM_USE_MODELSCOPE: '1', MODELSCOPE_ENDPOINT: at.hub.url, MODELSCOPE_CACHE: at.home }
    const run = (...args: string[]) => qvl(['models', ...args], '', { env })
    expect((await run('pull', reranker)).code).toBe(0)
    const { models } = parseLines<Listed>((await run('--json')).stdout)[0]!
    expect(models).toMatchObject([{ id: reranker, source: 'modelscope', revisions: [{ revision: 'master' }] }])
    expect((await run('verify')).code).toBe(0)
    flipByte(join(models[0]!.revisions[0]!.dir, 'model.safetensors'), 5_000)
    expect((await run('verify')).code).toBe(3)
    expect((await run('remove', reranker, '--yes')).code).toBe(0)
    expect(parseLines<Listed>((await run('--json')).stdout)[0]!.models).toEqual([])
  })
})

function blobsOf(at: Place, id: string): string[] {
  const folder = join(folderOf(at, id), 'blobs')
  return readdirSync(folder).map((name) => join(folder, name))
}

/** The unfinished file, once it is as wanted. */
async function fileOf(at: Place, isWanted: (found: { size: number }) => boolean): Promise<string> {
  const folder = join(folderOf(at, reranker), 'blobs')
  for (let tries = 0; tries < 200; tries++) {
    const names = existsSync(folder) ? readdirSync(folder) : []
    const found = names
      .map((name) => join(folder, name))
      .find((file) => file.endsWith('.incomplete') && isWanted(statSync(file)))
    if (found !== undefined) return found
    await sleep(50)
  }
  throw new Error('the download did not get this far')
}

function flipByte(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = bytes[at]! ^ 1
  writeFileSync(file, bytes)
}

/** In a pseudo-terminal, which script(1) makes. */
async function onTerminal(args: string[], input: string, env: Record<string, string>) {
  const words = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', words, '/dev/null'], { env: { PATH: process.env.PATH ?? '', ...env } })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (output.includes('[y/N]') && input !== '') {
      child.stdin.write(input)
      input = ''
    }
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}
