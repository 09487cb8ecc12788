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

describe('help', () => {
  it.each([[[]], [['help']], [['--help']], [['-h']]])('qvl %j is short and begins with two examples', async (args) => {
    const { code, stdout, stderr } = await qvl(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(12)
    expect(lines[0]).toMatch(/^qvl score /)
    expect(lines[1]).toMatch(/^qvl embed /)
  })

  it.each(commandNames)('qvl %s --help has every flag of the command and no other', async (command) => {
    const words = command.split(' ')
    const [{ code, stdout, stderr }, other] = await Promise.all([qvl([...words, '-h']), qvl(['help', ...words])])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(other.stdout).toBe(stdout)
    // A name may stand twice in the table, for different commands.
    const own = new Set(flags.filter((flag) => isFor(flag, command)).map(shownName))
    for (const name of flags.map(shownName)) {
      expect(new RegExp(`(^|[ ,])${name}( |$)`, 'm').test(stdout), name).toBe(own.has(name))
    }
    const groups = new Set(flags.filter((flag) => isFor(flag, command) && !hasNoEffect(flag, command)).map(shownGroup))
    for (const heading of [...groups, 'Exit codes:']) expect(stdout).toContain(heading)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
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
