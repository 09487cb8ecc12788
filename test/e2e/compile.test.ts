// `qvl compile` with the stand-in for atc, as people run it.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../checkpoint/folders.js'
import { embedder, ended, qvl, reranker, startQvl, vlEmbedder } from './run-qvl.js'

const standIn = fileURLToPath(new URL('../npu/atc.js', import.meta.url))

function place() {
  const folder = temporaryFolder()
  const env = { QVL_CACHE: folder, QVL_ATC: standIn, SOFTWARE_ATC_STORE: join(folder, 'onnx') }
  return { env, run: (...args: string[]) => qvl(['compile', ...args], '', { env }) }
}

const gears = ['--npu-gears', '2x64,1x256']

describe('qvl compile', () => {
  it('compiles a text model, and says what it made', async () => {
    const { run } = place()
    const { code, stdout, stderr } = await run(embedder, '--device', 'npu', '--soc-version', 'Ascend910B4', ...gears)
    expect(stderr).toMatch(/text: writing 0\.\d MB of weights/)
    expect(stderr).toContain('text: compiling, which takes minutes')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^text: (.+model\.om)\n {2}for Ascend910B4, float32, .+ MB, atc /)
    expect(stdout).toContain('gears 2x64x1x1, 1x256x1x1')
    expect(stdout).toMatch(/about \d+ % of rows are padding/)
    expect(existsSync(/^text: (.+model\.om)$/m.exec(stdout)![1]!)).toBe(true)
  })

  it('compiles the vision tower too, and nothing twice', async () => {
    const { run } = place()
    const args = [vlEmbedder, '--soc-version', 'Ascend910B4', ...gears, '--npu-vision-gears', '2x64,1x128', '--json']
    const first = JSON.parse((await run(...args)).stdout)
    expect(first.map(({ part, cached }: { part: string; cached: boolean }) => [part, cached])).toEqual([
      ['text', false],
      ['vision', false],
    ])
    for (const { om } of first) expect(readFileSync(om, 'utf8')).toContain('software-om')
    const second = JSON.parse((await run(...args)).stdout)
    expect(second).toEqual(first.map((part: object) => ({ ...part, cached: true })))
  })

  it.each<[string, string[], number, RegExp]>([
    ['no chip', [reranker], 2, /The chip is not named/],
    ['an unknown chip', [reranker, '--soc-version', 'Ascend42'], 2, /Known are Ascend910B1/],
    ['no model', ['--soc-version', 'Ascend910B4'], 2, /No model is named/],
    ['two models', [reranker, embedder, '--soc-version', 'Ascend910B4'], 2, /takes one model/],
    ['another device', [reranker, '--device', 'cpu', '--soc-version', 'Ascend910B4'], 2, /Nothing is compiled/],
    ['odd gears', [reranker, '--soc-version', 'Ascend910B4', '--npu-gears', '8'], 2, /sequences x rows/],
    [
      'no bfloat16',
      [reranker, '--soc-version', 'Ascend310P3', '--dtype', 'bfloat16'],
      1,
      /not available on Ascend310P3/,
    ],
    ['no checkpoint', ['/nonexistent', '--soc-version', 'Ascend910B4'], 3, /nonexistent/],
    ['no atc', [reranker, '--soc-version', 'Ascend910B4', '--atc', '/nonexistent/atc'], 1, /cannot be run|can be run/],
  ])('refuses %s', async (_, args, expected, message) => {
    const { code, stdout, stderr } = await place().run(...args)
    expect(stderr).toMatch(message)
    expect([code, stdout]).toEqual([expected, ''])
  })

  it('shows the last lines of atc when it fails', async () => {
    const { env } = place()
    const broken = { ...env, SOFTWARE_ATC_STORE: '/dev/null/store' }
    const { code, stderr } = await qvl(['compile', embedder, '--soc-version', 'Ascend910B4', ...gears], '', {
      env: broken,
    })
    expect(code).toBe(1)
    expect(stderr).toContain('atc could not compile the model')
    expect(stderr).toMatch(/\/npu\/.+\.log/)
  })

  it('ends with Ctrl-C and leaves nothing', async () => {
    const { env } = place()
    const atc = join(env.QVL_CACHE, 'atc')
    writeFileSync(atc, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 })
    const args = ['compile', embedder, '--soc-version', 'Ascend910B4', '--atc', atc, ...gears]
    const child = startQvl(args, { env })
    child.stderr.on('data', (data) => {
      if (String(data).includes('compiling')) child.kill('SIGINT')
    })
    expect((await ended(child)).code).toBe(130)
    const left = readdirSync(join(env.QVL_CACHE, 'npu'), { recursive: true, encoding: 'utf8' })
    expect(left.filter((name) => name.includes('/'))).toEqual([])
  })
})
