// Compiled programs in the cache: by what they are found again, what is there while one is made, and what is left when its
// process dies.

import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { CompileOptions } from '#qvl/devices/npu/compile.js'
import { startQvl } from '../../e2e/run-qvl.js'
import { goldenPath } from '../../support/golden.js'
import { CompilePlace, gearsOf, otherProgram, standIn } from './compile-place.js'

const place = new CompilePlace()

/** With a compiler that only counts its calls and writes a file, because what it compiles is not asked for here. */
const compile = (changes: Partial<CompileOptions> = {}) =>
  place.compile({ atc: place.program(`echo called >> '${place.calls}'; echo model > out/model.om`), ...changes })

describe('compileProgram', () => {
  it('does not compile the same again', async () => {
    const first = await compile()
    const second = await compile()
    expect(second).toEqual({ ...first, cached: true })
    expect(place.numCalls()).toBe(1)
  })

  it.each<[string, Partial<CompileOptions>]>([
    ['gears', { gears: gearsOf('2x64,1x256') }],
    ['chip', { soc: 'Ascend910B1' }],
    ['number type', { products: 'float16' }],
    ['weights', { fingerprint: 'other' }],
    ['graph', { program: otherProgram }],
    ['place of the weights', { maxInlineBytes: 0 }],
    ['processor', { hostCpu: process.arch === 'arm64' ? 'x86_64' : 'aarch64' }],
  ])('compiles again for another %s', async (_, changes) => {
    const first = await compile()
    const second = await compile(changes)
    expect(second.folder).not.toBe(first.folder)
    expect(second.cached).toBe(false)
    expect(place.numCalls()).toBe(2)
  })

  it('two at once end with one model', async () => {
    const both = await Promise.all([compile(), compile()])
    expect(both[0].omPath).toBe(both[1].omPath)
    expect(place.kept()).toEqual(['atc.log', 'model.om', 'om.json'])
  })

  it('removes what a killed process left', async () => {
    const { folder } = await compile()
    const yesterday = new Date(Date.now() - 25 * 3_600_000)
    for (const name of ['.tmp-old', '.tmp-new']) mkdirSync(`${folder}${name}`)
    utimesSync(`${folder}.tmp-old`, yesterday, yesterday)
    await compile({ gears: gearsOf('2x64,1x256') })
    expect([existsSync(`${folder}.tmp-old`), existsSync(`${folder}.tmp-new`)]).toEqual([false, true])
  })

  it('compiles again with another version of atc', async () => {
    const atc = place.program(`exec '${process.execPath}' '${standIn}' "$@"`)
    const compileWith = async (version: string) => {
      writeFileSync(join(dirname(atc), 'version.cfg'), `runtime_running_version=[${version}:${version}]\n`)
      const { cached, folder, facts } = await place.compile({ atc })
      return { cached, folder, version: facts.atcVersion }
    }
    const first = await compileWith('8.2.0')
    expect(first).toMatchObject({ cached: false, version: '8.2.0' })
    const second = await compileWith('8.3.0')
    expect(second).toMatchObject({ cached: false, version: '8.3.0' })
    expect(await compileWith('8.2.0')).toEqual({ ...first, cached: true })
    expect(second.folder).not.toBe(first.folder)
  })

  it('keeps weights beside the model, and finds them', async () => {
    const { folder, weightDir, facts } = await place.compile({ maxInlineBytes: 0 })
    expect(facts).toMatchObject({ args: expect.arrayContaining(['--external_weight=1']), hasWeightFolder: true })
    expect(weightDir).toBe(join(folder, 'weight'))
    expect(place.kept()).toEqual(['atc.log', 'model.om', 'om.json', 'weight', 'weights'])
    expect(await place.find()).toMatchObject({ weightDir })
  })

  it('works in a folder whose name a shell would take apart', async () => {
    place.cacheDir = join(place.cacheDir, `it's "a" $(folder); of \`mine\` *`)
    const { omPath } = await place.compile()
    expect(existsSync(omPath)).toBe(true)
    expect(await place.find()).toMatchObject({ omPath })
  })

  /** Whoever looks while atc runs sees one folder, which is not the program's. */
  it('shows nothing before all of it is there', async () => {
    const seen = join(dirname(place.cacheDir), 'seen')
    const atc = place.program(`ls .. > '${seen}'; exec '${process.execPath}' '${standIn}' "$@"`)
    const { folder } = await place.compile({ atc })
    expect(readFileSync(seen, 'utf8')).toMatch(/^[0-9a-f]{32}\.tmp-\w+\n$/)
    expect(readdirSync(dirname(folder))).toHaveLength(1)
    expect(readdirSync(folder).sort()).toEqual(['atc.log', 'model.om', 'om.json'])
  })

  it('leaves nothing half when its process is killed', async () => {
    const pidFile = join(dirname(place.cacheDir), 'pid')
    // It has written a model already.
    const atc = place.program(
      `echo half > out/model.om; echo $$ > '${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'; exec sleep 600`,
    )
    const args = ['compile', goldenPath('checkpoints/bert-embedding'), '--soc-version', 'Ascend910B4', '--atc', atc]
    const child = startQvl(args, { env: { QVL_CACHE: place.cacheDir } })
    const exit = once(child, 'exit')
    for (let tries = 0; !existsSync(pidFile) && tries < 800; tries++) await sleep(25)
    child.kill('SIGKILL')
    await exit
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
    expect(place.kept()).toContain('model.om')
    expect(await place.find()).toBeUndefined()
    const { cached } = await compile()
    expect(cached).toBe(false)
    expect(await place.find()).toBeDefined()
  })
})

describe('findCompiled', () => {
  it('finds the newest, whatever its gears', async () => {
    expect(await place.find()).toBeUndefined()
    await compile()
    await sleep(5)
    const newer = await compile({ gears: gearsOf('2x64,1x256') })
    expect(await place.find()).toMatchObject({ omPath: newer.omPath })
  })

  it('finds nothing for another chip, other weights or another processor', async () => {
    await compile({ hostCpu: process.arch === 'arm64' ? 'x86_64' : 'aarch64' })
    await compile({ soc: 'Ascend310P3' })
    await compile({ fingerprint: 'other' })
    expect(await place.find()).toBeUndefined()
  })

  it('reports damaged facts', async () => {
    const { folder } = await compile()
    writeFileSync(join(folder, 'om.json'), '{')
    await expect(place.find()).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
  })

  it('knows weights without a fingerprint by their files', async () => {
    await compile({ fingerprint: undefined })
    expect(await place.find({ fingerprint: undefined })).toBeDefined()
  })
})
