// Compiling with the stand-in for atc: what it is given, what is kept, and what is left when it fails.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { findAtc } from '#qvl/devices/npu/atc.js'
import { type CompileOptions, compileProgram } from '#qvl/devices/npu/compile.js'
import { findCompiled } from '#qvl/devices/npu/compiled.js'
import { parseGears } from '#qvl/devices/npu/gears.js'
import { traitsOf } from '#qvl/devices/npu/lower-padded.js'
import { checkSoc, productsOn } from '#qvl/devices/npu/soc.js'
import { QvlError } from '#qvl/errors.js'
import { bert } from '#qvl/models/bert.js'
import { temporaryFolder } from '../../checkpoint/folders.js'
import { goldenPath } from '../../support/golden.js'

const standIn = fileURLToPath(new URL('../../npu/atc.js', import.meta.url))

const { config, weights, fingerprint } = await openCheckpoint(goldenPath('checkpoints/bert-embedding'))
if (config.family !== 'bert') throw new TypeError('not an encoder')
const model = bert(config.encoder, weights)

let cacheDir = ''
let calls = ''

beforeEach(() => {
  cacheDir = join(temporaryFolder(), 'cache')
  calls = join(dirname(cacheDir), 'calls')
  setVariable('SOFTWARE_ATC_STORE', join(dirname(cacheDir), 'onnx'))
  setVariable('SOFTWARE_ATC_LOG', calls)
})

function setVariable(name: string, value: string): void {
  const old = process.env[name]
  process.env[name] = value
  onTestFinished(() => {
    if (old === undefined) delete process.env[name]
    else process.env[name] = old
  })
}

const gearsOf = (text: string) => parseGears(text, traitsOf(model.program))

const compile = (changes: Partial<CompileOptions> = {}) =>
  compileProgram({
    program: model.program,
    weights,
    fingerprint,
    soc: 'Ascend910B4',
    products: 'float32',
    gears: gearsOf('2x64,1x128'),
    cacheDir,
    atc: standIn,
    ...changes,
  })

const numCalls = (): number => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n').length : 0)

/** Everything below the folder of compiled programs, without the names that are hashes. */
const kept = (): string[] =>
  existsSync(cacheDir)
    ? readdirSync(cacheDir, { recursive: true, encoding: 'utf8' })
        .filter((name) => !/^npu(\/[0-9a-f]{32}){0,2}$/.test(name))
        .map((name) => basename(name).replace(/^[0-9a-f]{32}/, 'KEY'))
        .sort()
    : []

describe('compileProgram', () => {
  it('gives atc its arguments, and keeps the model with its facts and the log', async () => {
    const { omPath, facts, cached } = await compile()
    expect(cached).toBe(false)
    expect(kept()).toEqual(['atc.log', 'model.om', 'om.json'])
    expect(readFileSync(omPath, 'utf8')).toContain('gear 2 64')
    expect(facts).toMatchObject({ soc: 'Ascend910B4', products: 'float32', om: 'model.om', hasWeightFolder: false })
    expect(JSON.parse(readFileSync(calls, 'utf8'))).toEqual(facts.args)
    expect(facts.args).toEqual(
      expect.arrayContaining([
        '--framework=5',
        '--soc_version=Ascend910B4',
        '--input_format=ND',
        '--precision_mode_v2=origin',
        '--external_weight=0',
        '--input_shape=ids:-1,-1;positions:-1,-1;types:-1,-1;lengths:-1;order:-1;pooled:-1,-1',
      ]),
    )
  })

  it('does not compile the same again', async () => {
    const first = await compile()
    const second = await compile()
    expect(second).toEqual({ ...first, cached: true })
    expect(numCalls()).toBe(1)
  })

  it.each<[string, Partial<CompileOptions>]>([
    ['gears', { gears: gearsOf('2x64,1x256') }],
    ['chip', { soc: 'Ascend910B1' }],
    ['number type', { products: 'float16' }],
    ['weights', { fingerprint: 'other' }],
    ['processor', { hostCpu: process.arch === 'arm64' ? 'x86_64' : 'aarch64' }],
  ])('compiles again for another %s', async (_, changes) => {
    const first = await compile()
    const second = await compile(changes)
    expect(second.folder).not.toBe(first.folder)
    expect(second.cached).toBe(false)
    expect(numCalls()).toBe(2)
  })

  it('takes a name that atc changes', async () => {
    setVariable('SOFTWARE_ATC_SUFFIX', '_linux_x86_64')
    const { omPath, facts } = await compile()
    expect(facts.om).toBe('model_linux_x86_64.om')
    expect(existsSync(omPath)).toBe(true)
  })

  it('two at once end with one model', async () => {
    const both = await Promise.all([compile(), compile()])
    expect(both[0].omPath).toBe(both[1].omPath)
    expect(kept()).toEqual(['atc.log', 'model.om', 'om.json'])
  })

  it('removes what a killed process left', async () => {
    const { folder } = await compile()
    const yesterday = new Date(Date.now() - 25 * 3_600_000)
    for (const name of ['.tmp-old', '.tmp-new']) mkdirSync(`${folder}${name}`)
    utimesSync(`${folder}.tmp-old`, yesterday, yesterday)
    await compile({ gears: gearsOf('2x64,1x256') })
    expect([existsSync(`${folder}.tmp-old`), existsSync(`${folder}.tmp-new`)]).toEqual([false, true])
  })

  it('tells of its phases', async () => {
    const phases: string[] = []
    await compile({ onPhase: ({ phase }) => void phases.push(phase) })
    expect([...new Set(phases)]).toEqual(['weights', 'atc'])
  })

  it.each([
    ['with the lines of its log that say why', 'echo loading; echo "[ERROR] E10001: value is wrong"; exit 3', /E10001/],
    ['of which nothing is known', 'exit 7', /code 7\.$/],
    ['by a signal', 'kill -KILL $$', /SIGKILL/],
  ])('reports a failure %s', async (_, script, why) => {
    const error = await failureOf(compile({ atc: program(script) }))
    expect(error).toMatchObject({ code: 'DEVICE_FAILED', details: { why: expect.stringMatching(why) } })
    expect(kept()).toEqual(['KEY.log'])
    expect(error.details.do).toContain(cacheDir)
  })

  it('reports a full disk', async () => {
    const atc = program('echo "write failed: No space left on device" >&2; exit 1')
    expect(await failureOf(compile({ atc }))).toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    expect(kept()).toEqual(['KEY.log'])
  })

  it('reports a compiler that writes nothing', async () => {
    const error = await failureOf(compile({ atc: program('exit 0') }))
    expect(error).toMatchObject({ code: 'DEVICE_FAILED', message: expect.stringContaining('wrote no model') })
    expect(kept()).toEqual(['KEY.log'])
  })

  it('reports a folder that cannot be written to', async () => {
    mkdirSync(cacheDir)
    writeFileSync(join(cacheDir, 'npu'), 'a file')
    expect(await failureOf(compile())).toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
  })

  it('ends the compiler and what it started when it is aborted', async () => {
    const pids = join(dirname(cacheDir), 'pids')
    const atc = program(`sleep 600 & echo $! $$ > ${pids}.new; mv ${pids}.new ${pids}; wait`)
    const controller = new AbortController()
    const reason = new Error('enough')
    const compiling = compile({ atc, signal: controller.signal })
    compiling.catch(() => {})
    for (let tries = 0; !existsSync(pids) && tries < 400; tries++) await sleep(25)
    controller.abort(reason)
    await expect(compiling).rejects.toBe(reason)
    for (const pid of readFileSync(pids, 'utf8').trim().split(' ').map(Number)) await expectEnded(pid)
    expect(kept()).toEqual([])
  })

  it('works after a failure', async () => {
    await failureOf(compile({ atc: program('exit 1') }))
    await compile()
    expect((await findCompiled({ ...asked(), cacheDir }))?.facts.om).toBe('model.om')
  })
})

/** A killed process is there until its parent has been told. */
async function expectEnded(pid: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (!existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return
    await sleep(25)
  }
  throw new Error(`process ${pid} still runs`)
}

const asked = () => ({
  program: model.program,
  weights,
  fingerprint,
  soc: 'Ascend910B4',
  products: 'float32' as const,
})

describe('findCompiled', () => {
  it('finds the newest, whatever its gears', async () => {
    expect(await findCompiled({ ...asked(), cacheDir })).toBeUndefined()
    await compile()
    await sleep(5)
    const newer = await compile({ gears: gearsOf('2x64,1x256') })
    expect(await findCompiled({ ...asked(), cacheDir })).toMatchObject({ omPath: newer.omPath })
  })

  it('finds nothing for another chip, other weights or another processor', async () => {
    await compile({ hostCpu: process.arch === 'arm64' ? 'x86_64' : 'aarch64' })
    await compile({ soc: 'Ascend310P3' })
    await compile({ fingerprint: 'other' })
    expect(await findCompiled({ ...asked(), cacheDir })).toBeUndefined()
  })

  it('reports damaged facts', async () => {
    const { folder } = await compile()
    writeFileSync(join(folder, 'om.json'), '{')
    await expect(findCompiled({ ...asked(), cacheDir })).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
  })

  it('knows weights without a fingerprint by their files', async () => {
    await compile({ fingerprint: undefined })
    expect(await findCompiled({ ...asked(), fingerprint: undefined, cacheDir })).toBeDefined()
  })
})

describe('findAtc', () => {
  it.each<[string, (bin: string) => NodeJS.ProcessEnv]>([
    ['QVL_ATC', (bin) => ({ QVL_ATC: join(bin, 'atc') })],
    ['PATH', (bin) => ({ PATH: `/nonexistent:${bin}` })],
    ['ASCEND_HOME_PATH', (bin) => ({ ASCEND_HOME_PATH: dirname(bin) })],
    ['ASCEND_TOOLKIT_HOME', (bin) => ({ ASCEND_TOOLKIT_HOME: dirname(bin) })],
  ])('by %s, with the version of the toolkit', async (_, env) => {
    const home = temporaryFolder()
    mkdirSync(join(home, 'bin'))
    writeFileSync(join(home, 'bin/atc'), '#!/bin/sh\n')
    chmodSync(join(home, 'bin/atc'), 0o755)
    writeFileSync(join(home, 'version.cfg'), 'runtime_running_version=[8.1.RC1:8.1.0.1]\n')
    expect(await findAtc(undefined, env(join(home, 'bin')))).toEqual({
      path: join(home, 'bin/atc'),
      version: '8.1.0.1',
    })
  })

  it('says what to do where there is none', async () => {
    await expect(findAtc(undefined, { PATH: '/nonexistent' })).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      details: { do: expect.stringContaining('set_env.sh') },
    })
    await expect(findAtc('/nonexistent/atc', {})).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  })
})

it.each([
  ['Ascend910B4', {}, 'float16'],
  ['Ascend910B4', { dtype: 'bfloat16' }, 'bfloat16'],
  ['Ascend910B4', { dtype: 'float32' }, 'float32'],
  ['Ascend310P3', { dtype: 'auto' }, 'float16'],
  ['Ascend310P3', { dtype: 'bfloat16' }, undefined],
  ['Ascend310P3', { dtype: 'float32' }, undefined],
  ['Ascend910B4', { quantization: 'int8' }, undefined],
] as const)('products on %s with %o', (soc, options, expected) => {
  if (expected !== undefined) expect(productsOn(checkSoc(soc), options)).toBe(expected)
  else expect(() => productsOn(soc, options)).toThrow(expect.objectContaining({ code: 'DEVICE_UNAVAILABLE' }))
})

it('lists the chips where one is not known', () => {
  expect(() => checkSoc('Ascend42')).toThrow(/Ascend910B4, Ascend910B4-1/)
})

/** A program that does what the shell script says. */
function program(script: string): string {
  const file = join(temporaryFolder(), 'atc')
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  return file
}

async function failureOf(work: Promise<unknown>): Promise<QvlError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof QvlError) return error
  throw new Error('it did not fail with a QvlError', { cause: error })
}
