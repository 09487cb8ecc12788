// Where the value of a flag comes from: command line, environment, config file, default.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandName } from '#qvl/cli/flag.js'
import { readSettings } from '#qvl/cli/settings.js'
import { QvlError } from '#qvl/errors.js'

interface Given {
  command?: CommandName
  args?: string[]
  env?: Record<string, string>
  /** Text of --config FILE. */
  config?: string
  /** Text of the default config file. */
  home?: string
}

let folder = ''
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-settings-'))
})

afterAll(() => rm(folder, { recursive: true }))

async function settings({ command = 'score', args = [], env = {}, config, home }: Given) {
  const root = path.join(folder, String(count++))
  await mkdir(path.join(root, 'qvl'), { recursive: true })
  if (home !== undefined) await writeFile(path.join(root, 'qvl', 'config.yaml'), home)
  const file = path.join(root, 'given.yaml')
  if (config !== undefined) await writeFile(file, config)
  const all = config === undefined ? args : [...args, '--config', file]
  return readSettings(command, all, { XDG_CONFIG_HOME: root, ...env })
}

describe('readSettings', () => {
  it.each<[string, Given, Record<string, unknown>]>([
    ['defaults', {}, { device: 'auto', strict: false, color: true, document: [], model: undefined }],
    ['a flag', { args: ['-m', 'A', '--strict'] }, { model: 'A', strict: true }],
    ['the environment', { env: { QVL_MODEL: 'B', QVL_THREADS: '3' } }, { model: 'B', threads: 3 }],
    ['an empty variable is not set', { env: { QVL_MODEL: '' } }, { model: undefined }],
    ['a flag over the environment', { args: ['-m', 'A'], env: { QVL_MODEL: 'B' } }, { model: 'A' }],
    ['the environment over the config file', { env: { QVL_MODEL: 'B' }, config: 'model: C' }, { model: 'B' }],
    ['the config file over the default', { config: 'device: reference' }, { device: 'reference' }],
    ['the default config file', { home: 'model: D' }, { model: 'D' }],
    [
      '--config instead of the default file',
      { home: 'model: D', config: 'threads: 2' },
      { model: undefined, threads: 2 },
    ],
    ['true', { config: 'strict: true' }, { strict: true }],
    ['false', { config: 'color: false' }, { color: false }],
    ['--no-x over true', { args: ['--no-strict'], config: 'strict: true' }, { strict: false }],
    ['underscores in keys', { config: 'max_model_len: 8K' }, { 'max-model-len': 8192 }],
    ['a map', { config: 'hf-overrides:\n  a: {b: 1}' }, { 'hf-overrides': { a: { b: 1 } } }],
    ['a dotted key', { config: 'hf-overrides.is_matryoshka: true' }, { 'hf-overrides': { is_matryoshka: true } }],
    ['null', { config: 'model: null' }, { model: undefined }],
    ['an empty file', { config: '' }, { model: undefined }],
    ['None over the config file', { args: ['--revision', 'None'], config: 'revision: main' }, { revision: undefined }],
    [
      'auto over the config file',
      { args: ['--max-model-len', 'auto'], config: 'max-model-len: 8' },
      { 'max-model-len': undefined },
    ],
    ['a flag of another command', { config: 'dimensions: 8\nmodel: A' }, { model: 'A', dimensions: undefined }],
    ['a section', { config: 'model: A\nscore: {model: B}\nembed: {model: C}' }, { model: 'B' }],
    [
      'the other section',
      { command: 'embed', config: 'model: A\nembed: {model: C, dimensions: 8}' },
      { model: 'C', dimensions: 8 },
    ],
    [
      'a section of a command of two words',
      { command: 'bench throughput', config: 'model: A\nbench throughput: {num-runs: 7}' },
      { model: 'A', 'num-runs': 7 },
    ],
    ['a section before the general entry', { config: 'score: {model: B}\nmodel: A' }, { model: 'B' }],
    [
      'an argument-only flag ignores the environment',
      { env: { QVL_QUERY: 'x', QVL_HELP: '1' } },
      { query: undefined, help: false },
    ],
    ['documents', { args: ['--document', 'a', '--document', 'b'] }, { document: ['a', 'b'] }],
  ])('%s', async (_, given, expected) => {
    expect((await settings(given)).settings).toMatchObject(expected)
  })

  it('keeps operands and says which flags have no effect', async () => {
    const given = { args: ['in.jsonl', '--trust-remote-code', '-tp', '4'], config: 'enforce-eager: true' }
    const { operands, notes } = await settings(given)
    expect(operands).toEqual(['in.jsonl'])
    expect(notes).toHaveLength(3)
    expect(notes[0]).toMatch(/^--trust-remote-code has no effect: /)
  })

  it('seed has an effect where something is random', async () => {
    expect((await settings({ args: ['--seed', '3'] })).notes).toEqual(['--seed has no effect: nothing here is random.'])
    const { settings: known, notes } = await settings({ command: 'bench throughput', args: ['--seed', '3'] })
    expect({ seed: known.seed, notes }).toEqual({ seed: 3, notes: [] })
  })

  it('helps even when the config file is broken', async () => {
    expect((await settings({ args: ['--help'], config: '{' })).settings.help).toBe(true)
  })

  it.each<[string, Given, RegExp]>([
    ['an unfit variable', { env: { QVL_THREADS: 'x' } }, /QVL_THREADS does not take the value "x"/],
    ['an unfit value of the file', { config: 'threads: x' }, /threads in .*given.yaml does not take/],
    ['an unknown key', { config: 'modle: A' }, /modle is not a flag. Did you mean model\?/],
    ['a key for one call', { config: 'query: A' }, /query is not a flag/],
    ['config in the file', { config: 'config: A' }, /config is not a flag/],
    ['broken YAML', { config: 'port: 1\nhost: "a\nport: 2' }, /not YAML: see line \d/],
    ['no map', { config: '- a' }, /not a map/],
    ['a value that is no boolean', { config: 'strict: 3' }, /neither true nor false/],
    ['true for a flag with a value', { config: 'model: true' }, /model is true/],
    ['an alias bomb', { config: aliasBomb() }, /not YAML/],
    ['a missing file', { args: ['--config', '/nowhere/x.yaml'] }, /does not exist/],
    ['a file of another kind', { args: ['--config', 'x.json'] }, /\.yaml or \.yml/],
  ])('refuses %s', async (_, given, message) => {
    const error = await settings(given).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(QvlError)
    expect((error as QvlError).code).toBe('USAGE')
    expect((error as QvlError).message).toMatch(message)
  })
})

/** Ten levels of ten aliases each: ten thousand million values, if they were expanded. */
function aliasBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 10; level++) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`)
  }
  return lines.join('\n')
}
