// Which device computes when none is named.

import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bin, devices, ended, qvl, reranker } from './run-qvl.js'

const pair = ['score', '-m', reranker, '--query', 'cat', '--document', 'dog']

/** An installation whose native code was not built. */
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-device-'))
  const root = path.join(path.dirname(bin), '..')
  for (const name of ['bin', 'dist', 'templates', 'package.json']) {
    await cp(path.join(root, name), path.join(folder, name), { recursive: true })
  }
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
})
afterAll(() => rm(folder, { recursive: true }))

const unbuilt = (...args: string[]) => ended(spawn(process.execPath, [path.join(folder, 'bin/qvl.js'), ...args]))

describe('--device auto', () => {
  it('computes on the cpu device where it is built', async () => {
    const { code, stderr } = await qvl([...pair, '-v'])
    expect(code).toBe(0)
    expect(stderr).toContain(` on ${devices.at(-1)}\n`)
  })

  it('computes with ONNX Runtime where it is not, and says so in one line', async () => {
    const { code, stdout, stderr } = await unbuilt(...pair)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ results: [{ relevance_score: expect.closeTo(0.15284, 4) }] })
    expect(stderr.match(/cpu device is not built/g)).toHaveLength(1)
    expect((await unbuilt(...pair, '-q')).stderr).toBe('')
  })

  it('is not taken for --device cpu', async () => {
    const { code, stderr } = await unbuilt(...pair, '--device', 'cpu')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error\[DEVICE_UNAVAILABLE\] The cpu device is not built\./)
  })
})
