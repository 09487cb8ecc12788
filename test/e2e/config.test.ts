// `qvl config`: every setting of a command, its value, and where that came from.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flagsOf } from '#qvl/cli/command-options.js'
import { type CommandName, commandNames, hasNoEffect } from '#qvl/cli/flag.js'
import { parseLines, qvl } from './run-qvl.js'

interface Shown {
  command: string
  file: string | null
  settings: { name: string; group: string; value: unknown; source: string; from?: string }[]
  variables: { name: string; value: string }[]
  unknown_keys: { key: string; line: number | null; did_you_mean: string | null }[]
}

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-config-'))
  await mkdir(join(folder, 'qvl'))
  file = join(folder, 'qvl', 'config.yaml')
  await writeFile(
    file,
    'port: 81\ndtype: bfloat16\nserve:\n  max_model_len: 8K\n  port: 82\n  api-key: [in-file]\nembed:\n  strict: true\n',
  )
})
afterAll(() => rm(folder, { recursive: true }))

async function shown(args: readonly string[], env: Record<string, string> = {}): Promise<Shown> {
  const options = { env: { QVL_DTYPE: '', XDG_CONFIG_HOME: folder, ...env } }
  const { code, stdout, stderr } = await qvl(['config', ...args, '--json'], '', options)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return parseLines<Shown>(stdout)[0]!
}

const settingOf = ({ settings }: Shown, name: string) => {
  const found = settings.find((one) => one.name === name)
  return found && { value: found.value, source: found.source, from: found.from }
}

describe('the source of a setting', () => {
  it('is the flag before the variable before the file before the default', async () => {
    const fromFile = await shown([])
    expect(settingOf(fromFile, 'port')).toEqual({ value: 82, source: 'file', from: `${file}:5` })
    expect(settingOf(fromFile, 'dtype')).toEqual({ value: 'bfloat16', source: 'file', from: `${file}:2` })
    expect(settingOf(fromFile, 'max-model-len')).toEqual({ value: 8192, source: 'file', from: `${file}:4` })
    expect(settingOf(fromFile, 'device')).toEqual({ value: 'auto', source: 'default', from: undefined })
    const fromVariable = await shown([], { QVL_PORT: '83' })
    expect(settingOf(fromVariable, 'port')).toEqual({ value: 83, source: 'variable', from: 'QVL_PORT' })
    const fromFlag = await shown(['serve', '--port', '84'], { QVL_PORT: '83' })
    expect(settingOf(fromFlag, 'port')).toEqual({ value: 84, source: 'flag', from: '--port' })
  })

  it('may be a variable of vLLM', async () => {
    const given = await shown([], { VLLM_LOGGING_LEVEL: 'WARNING' })
    expect(settingOf(given, 'log-level')).toEqual({ value: 'warning', source: 'variable', from: 'VLLM_LOGGING_LEVEL' })
  })

  it('may be the word that names the model', async () => {
    expect(settingOf(await shown(['serve', 'Qwen/X']), 'model')).toEqual({
      value: 'Qwen/X',
      source: 'flag',
      from: 'MODEL',
    })
  })

  it('may be another file', async () => {
    const other = join(folder, 'other.yaml')
    await writeFile(other, '# one line\nhost: "::1"\n')
    const given = await shown(['--config', other])
    expect(given.file).toBe(other)
    expect(settingOf(given, 'host')).toEqual({ value: '::1', source: 'file', from: `${other}:2` })
    expect(settingOf(given, 'port')).toMatchObject({ source: 'default' })
  })
})

describe('the command', () => {
  it.each(commandNames.filter((name) => name !== 'config'))('%s has all its settings listed', async (command) => {
    const { settings } = await shown(['--for', command])
    const flags = flagsOf(command as CommandName).filter((flag) => !flag.argvOnly && !hasNoEffect(flag, command))
    expect(settings.map(({ name }) => name)).toEqual(expect.arrayContaining(flags.map(({ name }) => name)))
  })

  it.each([
    [['embed', '--strict'], 'embed'],
    [['--for', 'embed', '--strict'], 'embed'],
    [['--for=bench serve'], 'bench serve'],
    [['bench', 'serve', '--num-prompts', '3'], 'bench serve'],
    [[], 'serve'],
  ])('of %j is %s', async (args, command) => {
    expect((await shown(args)).command).toBe(command)
  })

  it.each([
    [['--for', 'serv'], 'Did you mean --for "serve"?'],
    [['serve', '--prot', '1'], 'Did you mean --port?'],
    [['serve', '--port', 'x'], '--port does not take the value "x".'],
    [['embed', '--port', '1'], 'qvl serve'],
  ])('%j is refused as the command would refuse it', async (args, words) => {
    expect(await qvl(['config', ...args])).toMatchObject({ code: 2, stderr: expect.stringContaining(words) })
  })
})

describe('secrets', () => {
  it.each([[[]], [['--json']]])('stay hidden %j', async (args) => {
    const env = {
      XDG_CONFIG_HOME: folder,
      HF_TOKEN: 'hf_secret1',
      VLLM_API_KEY: 'secret2',
      MODELSCOPE_API_TOKEN: 'secret3',
      HTTPS_PROXY: 'http://me:secret4@proxy:1',
    }
    const words = ['config', 'serve', '--api-key', 'secret5', 'secret6', '--hf-token', 'secret7', ...args]
    const { code, stdout } = await qvl(words, '', { env })
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/secret\d/)
    expect(stdout).not.toContain('in-file')
    for (const name of ['HF_TOKEN', 'VLLM_API_KEY', 'HTTPS_PROXY', 'api-key']) expect(stdout).toContain(name)
    const bench = [
      'config',
      'bench',
      'serve',
      '--header',
      'Authorization=Bearer secret8',
      '--base-url',
      'http://a:secret9@b',
    ]
    expect((await qvl([...bench, ...args])).stdout).not.toMatch(/secret\d/)
  })
})

describe('keys that are no flags', () => {
  it('are named with their lines, and the exit code is that of wrong usage', async () => {
    const broken = join(folder, 'broken.yaml')
    await writeFile(broken, 'prot: 1\nserve:\n  host: ::1\n  max-model-length: 5\nbench serve:\n  nothing: 1\n')
    const { code, stdout } = await qvl(['config', '--config', broken, '--json'])
    expect(code).toBe(2)
    expect(parseLines<Shown>(stdout)[0]!.unknown_keys).toEqual([
      { key: 'prot', line: 1, did_you_mean: 'port' },
      { key: 'max-model-length', line: 4, did_you_mean: 'max-model-len' },
    ])
    const forPeople = await qvl(['config', '--config', broken])
    expect(forPeople.stdout).toContain('  prot (line 1): did you mean port?')
    expect((await qvl(['serve', 'x', '--config', broken])).stderr).toContain('prot is not a flag.')
  })
})

describe('the table for people', () => {
  it('tells values, defaults in words, and places', async () => {
    const env = { XDG_CONFIG_HOME: folder, QVL_DTYPE: '' }
    const { stdout } = await qvl(['config', 'serve', 'Qwen/X', '--host', '0.0.0.0'], '', { env })
    const rows = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(rows[0]).toEqual([`Settings of qvl serve, config file ${file}`])
    for (const row of [
      ['host', '0.0.0.0', '--host'],
      ['port', '82', `${file}:5`],
      ['model', 'Qwen/X', 'MODEL'],
      ['api-key', '(hidden)', `${file}:6`],
      ['request-timeout', '120 s', 'default'],
      ['enable-prefix-caching', 'on', 'default'],
      ['revision', '-', 'default'],
    ]) {
      expect(rows).toContainEqual(row)
    }
  })
})
