// Help, version, and what is said when qvl cannot start.

import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { commandNames, type Flag, hasNoEffect, isFor } from '#qvl/cli/flag.js'
import { flags } from '#qvl/cli/flags.js'
import { bin, ended, qvl } from './run-qvl.js'

const shownName = (flag: Flag): string =>
  flag.type === 'bool' && flag.default ? `--no-${flag.name}` : `--${flag.name}`
const shownGroup = ({ group }: Flag): string => `${group}:`

const maxColumns = 80
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length))

describe('help', () => {
  it.each([[[]], [['help']], [['--help']], [['-h']]])(
    'qvl %j fits a small terminal and begins with examples',
    async (args) => {
      const { code, stdout, stderr } = await qvl(args)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const lines = stdout.trimEnd().split('\n')
      expect(lines.length).toBeLessThanOrEqual(20)
      expect(widest(stdout)).toBeLessThanOrEqual(maxColumns)
      expect(lines[0]).toMatch(/^qvl score /)
      expect(lines[1]).toMatch(/^qvl serve /)
      for (const word of new Set(commandNames.flatMap((name) => name.split(' ')[0]!))) {
        expect(stdout, word).toMatch(new RegExp(`^  (.*, )?${word}\\b`, 'm'))
      }
    },
  )

  it.each(commandNames)('qvl %s --help has every flag of the command and no other', async (command) => {
    const words = command.split(' ')
    const [{ code, stdout, stderr }, other] = await Promise.all([qvl([...words, '-h']), qvl(['help', ...words])])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(other.stdout).toBe(stdout)
    // Examples may show flags of the command; the list is below them.
    const list = stdout.slice(stdout.indexOf('\n\n', stdout.indexOf('Examples:')))
    // A name may stand twice in the table, for different commands.
    const own = new Set(flags.filter((flag) => isFor(flag, command)).map(shownName))
    for (const name of flags.map(shownName)) {
      expect(new RegExp(`^  (-\\w+, |.* )?${name}( |$)`, 'm').test(list), name).toBe(own.has(name))
    }
    const groups = new Set(flags.filter((flag) => isFor(flag, command) && !hasNoEffect(flag, command)).map(shownGroup))
    for (const heading of groups) expect(stdout).toContain(heading)
  })

  it.each(commandNames)('qvl %s --help has 80 columns, examples first and exit codes last', async (command) => {
    const { stdout } = await qvl([...command.split(' '), '--help'])
    expect(widest(stdout)).toBeLessThanOrEqual(maxColumns)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.slice(0, 3)).toEqual([expect.stringMatching(`^Usage: qvl ${command}`), '', 'Examples:'])
    const last = stdout.trimEnd().split('\n\n').at(-1)!
    expect(last).toMatch(/^Exit codes:\n {2}0 /)
  })

  it.each(commandNames)('the examples of %s are command lines that it takes', async (command) => {
    const { stdout } = await qvl([...command.split(' '), '--help'])
    const examples = /Examples:\n((?: {2}.*\n)+)/.exec(stdout)![1]!.trimEnd().split('\n')
    for (const example of examples) {
      const line = /qvl ([^"]*(?:"[^"]*"[^"]*)*)/.exec(example.replace(/^ +eval "\$\((.*)\)".*$/, '$1'))![1]!
      const words = (line.split(/ {2,}| > | && /)[0]!.match(/"[^"]*"|\S+/g) ?? []).map((word) =>
        word.replaceAll('"', ''),
      )
      // The same words in front of --help are parsed, and nothing is done.
      const { code, stderr } = await qvl([
        ...words,
        ...(words.some((word) => word.startsWith('--help')) ? [] : ['--help']),
      ])
      expect({ code, stderr }, example).toEqual({ code: 0, stderr: '' })
    }
  })

  it.each([
    [['serve', '--help=limits'], /^Limits:\n {2}--max-connections N/],
    [['serve', '--help=media'], /^Media:\n/],
    [['serve', '--help=max-model-len'], /^ {2}--max-model-len N .*\n[\s\S]*variable: QVL_MAX_MODEL_LEN\n/],
    [
      ['serve', '--help=--log_level'],
      /choices: auto, critical[\s\S]*default: auto\n[\s\S]*variable: QVL_LOG_LEVEL, or VLLM_LOGGING_LEVEL\n/,
    ],
    [['embed', '--help=all'], /^Usage: qvl embed /],
    [['score', '--help=input and output'], /^Input and output:\n/],
  ])('%j is a part of it', async (args, expected) => {
    const { code, stdout, stderr } = await qvl(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(expected)
  })

  it('says which parts there are', async () => {
    const { code, stderr } = await qvl(['serve', '--help=max-model-length'])
    expect(code).toBe(2)
    expect(stderr).toContain('Limits')
    // All that this group has is without effect here.
    expect(stderr).not.toContain('Benchmark')
    expect((await qvl(['serve', '--help=benchmark'])).code).toBe(2)
    expect(stderr).toContain('Did you mean --help=max-model-len?')
  })

  it('prints the version', async () => {
    const [plain, onCommand] = await Promise.all([qvl(['--version']), qvl(['score', '--version'])])
    expect(plain).toMatchObject({ code: 0, stderr: '' })
    expect(plain.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(onCommand.stdout).toBe(plain.stdout)
  })
})

describe('starting', () => {
  it.each(['18.20.0', '20.18.3'])('Node %s is refused', async (version) => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
    const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`]
    const { code, stdout, stderr } = await qvl(['--version'], '', { nodeArgs })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(version)
    expect(stderr).toContain('20.19')
  })

  it('says how to build when dist is missing', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'qvl-bin-'))
    await cp(bin, path.join(folder, 'bin', 'qvl.js'))
    await cp(path.join(path.dirname(bin), '..', 'package.json'), path.join(folder, 'package.json'))
    const { code, stdout, stderr } = await ended(spawn(process.execPath, [path.join(folder, 'bin', 'qvl.js')]))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('npm run build')
    await rm(folder, { recursive: true })
  })
})
