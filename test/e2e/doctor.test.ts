// qvl doctor: one screen about this machine, whatever is missing on it, and an exit code that scripts can use.

import { spawn, spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check } from '#qvl/cli/doctor/check.js'
import type { Verdict } from '#qvl/cli/doctor/report.js'
import { describeSoftware, SoftwareAscend } from '../npu/software.js'
import { bin, devices, ended, qvl } from './run-qvl.js'

const usual = devices.at(-1)!

async function verdictOf(args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await qvl(['doctor', '--json', ...args], '', { env })
  expect(stderr).toBe('')
  const verdict: Verdict = JSON.parse(stdout)
  const find = (name: string): Check | undefined => verdict.checks.find((check) => check.name === name)
  return { code, verdict, find }
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-doctor-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the report', () => {
  it('is one screen of plain lines, and says whether the device of this machine works', async () => {
    const { code, stdout, stderr } = await qvl(['doctor'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^qvl \d+\.\d+\.\d+$/)
    expect(lines.length).toBeLessThanOrEqual(40)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(lines.at(-1)).toBe(`The device ${usual} works.`)
    for (const heading of ['System', 'Media', 'Files', 'Devices', 'Ascend', 'Self test'])
      expect(lines).toContain(heading)
    for (const name of ['Node', 'cores', 'memory', 'sharp', 'cpu', 'ort']) {
      expect(stdout).toMatch(new RegExp(`^  ok    ${name} `, 'm'))
    }
    expect(stdout).not.toContain('\u001b')
  })

  it('has colours where they are asked for', async () => {
    const { stdout } = await qvl(['doctor'], '', { env: { FORCE_COLOR: '1' } })
    expect(stdout).toContain('\u001b[1mSystem\u001b[0m')
  })

  it.each(devices)('tests the device %s with a small model', async (device) => {
    const { code, verdict } = await verdictOf(['--device', device])
    expect(code).toBe(0)
    expect(verdict).toMatchObject({ device, works: true })
    const test = verdict.checks.find(({ group }) => group === 'Self test')
    expect(test).toMatchObject({ name: device, state: 'ok' })
    expect(Number(/cosine ([\d.]+),/.exec(test!.found)?.[1])).toBeGreaterThan(0.99999)
  })
})

describe('what is missing', () => {
  it('is a note where only videos need it', async () => {
    const { code, find } = await verdictOf([], { PATH: folder })
    expect(code).toBe(0)
    for (const name of ['ffmpeg', 'ffprobe', 'compiler']) expect(find(name)).toMatchObject({ state: 'note' })
  })

  it('decides for the device that needs it', async () => {
    const { code, verdict, find } = await verdictOf(['--device', 'npu'], { ASCEND_HOME_PATH: folder })
    expect(code).toBe(1)
    expect(verdict).toMatchObject({ device: 'npu', works: false })
    expect(find('AscendCL')).toMatchObject({ state: 'no' })
    expect(verdict.checks.at(-1)).toMatchObject({
      group: 'Self test',
      state: 'no',
      found: 'not done: see AscendCL above',
    })
    // The others do not need it.
    expect((await verdictOf(['--device', 'ort'], { ASCEND_HOME_PATH: folder })).code).toBe(0)
  })

  it('is told of an installation whose native code was not built', async () => {
    const root = path.join(path.dirname(bin), '..')
    const unbuilt = path.join(folder, 'unbuilt')
    for (const name of ['bin', 'dist', 'templates', 'package.json']) {
      await cp(path.join(root, name), path.join(unbuilt, name), { recursive: true })
    }
    await symlink(path.join(root, 'node_modules'), path.join(unbuilt, 'node_modules'))
    const doctor = (...args: string[]) =>
      ended(spawn(process.execPath, [path.join(unbuilt, 'bin/qvl.js'), 'doctor', ...args]))
    const auto = await doctor()
    expect(auto).toMatchObject({ code: 0, stderr: '' })
    expect(auto.stdout).toMatch(/^ {2}no {4}cpu +The cpu device is not built\.$/m)
    expect(auto.stdout).toMatch(/^The device ort works\.$/m)
    expect(await doctor('--device', 'cpu')).toMatchObject({ code: 1 })
  })
})

describeSoftware('an NPU', () => {
  let software: SoftwareAscend
  beforeAll(() => {
    software = new SoftwareAscend({ devices: 2, soc: 'Ascend910B1' })
  })
  afterAll(() => software.remove())

  it('is shown with its library and its memory, and tested with a model that is compiled for it', async () => {
    const { code, verdict, find } = await verdictOf(['--device', 'npu'], software.environment)
    expect(code).toBe(0)
    expect(verdict.works).toBe(true)
    expect(find('AscendCL')).toMatchObject({ state: 'ok', found: expect.stringContaining('libascendcl.so') })
    for (const name of ['NPU 0', 'NPU 1']) {
      expect(find(name)).toMatchObject({ state: 'ok', found: 'Ascend910B1, 32.0 GiB of 32.0 GiB free' })
    }
    expect(find('atc')).toMatchObject({ state: 'ok' })
    expect(verdict.checks.at(-1)).toMatchObject({ group: 'Self test', state: 'ok' })
    expect(software.report()).toEqual([])
  })

  it('that may not be opened is a line with what to do', async () => {
    software.set({ fail: [{ call: 'aclrtSetDevice', nth: 0, code: 207006 }] })
    const { code, find } = await verdictOf(['--device', 'npu'], software.environment)
    expect(code).toBe(1)
    expect(find('AscendCL')).toMatchObject({ state: 'no', do: expect.stringMatching(/./) })
  })

  it.each([
    ['crashes', 'abort();', /ended by SIGABRT/],
    ['ends the process', '_exit(7);', /ended with code 7/],
  ])('whose library %s is a line, and the rest of the report is there', async (name, body, words) => {
    const home = path.join(folder, name.replaceAll(' ', '-'))
    await mkdir(path.join(home, 'lib64'), { recursive: true })
    const source = path.join(home, 'bad.c')
    await writeFile(
      source,
      `#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) static void start(void) { ${body} }\n`,
    )
    const built = spawnSync('cc', ['-shared', '-fPIC', source, '-o', path.join(home, 'lib64/libascendcl.so')])
    expect(built.status).toBe(0)
    const { code, verdict, find } = await verdictOf(['--device', 'npu'], { ASCEND_HOME_PATH: home })
    expect(code).toBe(1)
    expect(find('AscendCL')).toMatchObject({ state: 'no', found: expect.stringMatching(words) })
    expect(verdict.checks.filter(({ group }) => group === 'System')).toHaveLength(4)
  })
})

it.each([['--frobnicate'], ['model']])('takes no %s', async (word) => {
  expect((await qvl(['doctor', word])).code).toBe(2)
})

it('a program that hangs is given up', async () => {
  const npuSmi = path.join(folder, 'npu-smi')
  await writeFile(npuSmi, '#!/bin/sh\nexec sleep 60\n')
  await chmod(npuSmi, 0o755)
  const { code, find } = await verdictOf([], { PATH: `${folder}:${process.env.PATH}`, ASCEND_HOME_PATH: folder })
  expect(code).toBe(0)
  expect(find('npu-smi')).toMatchObject({ state: 'note', found: 'not found, or it failed' })
})
