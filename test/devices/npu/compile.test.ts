// Compiling with the stand-in for atc: what it is given, what is kept, and what is left when it fails.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { findAtc } from '#qvl/devices/npu/atc.js'
import { checkSoc, productsOn } from '#qvl/devices/npu/soc.js'
import { QvlError } from '#qvl/errors.js'
import { temporaryFolder } from '../../checkpoint/folders.js'
import { CompilePlace, setVariable } from './compile-place.js'

const place = new CompilePlace()

describe('compileProgram', () => {
  it('gives atc its arguments, and keeps the model with its facts and the log', async () => {
    const { omPath, facts, cached } = await place.compile()
    expect(cached).toBe(false)
    expect(place.kept()).toEqual(['atc.log', 'model.om', 'om.json'])
    expect(readFileSync(omPath, 'utf8')).toContain('gear 2 64')
    expect(facts).toMatchObject({ soc: 'Ascend910B4', products: 'float32', om: 'model.om', hasWeightFolder: false })
    expect(JSON.parse(readFileSync(place.calls, 'utf8'))).toEqual(facts.args)
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

  it('takes a name that atc changes', async () => {
    setVariable('SOFTWARE_ATC_SUFFIX', '_linux_x86_64')
    const { omPath, facts } = await place.compile()
    expect(facts.om).toBe('model_linux_x86_64.om')
    expect(existsSync(omPath)).toBe(true)
  })

  it('tells of its phases', async () => {
    const phases: string[] = []
    await place.compile({ onPhase: ({ phase }) => void phases.push(phase) })
    expect([...new Set(phases)]).toEqual(['weights', 'atc'])
  })

  it.each([
    ['with the lines of its log that say why', 'echo loading; echo "[ERROR] E10001: value is wrong"; exit 3', /E10001/],
    ['of which nothing is known', 'exit 7', /code 7\.$/],
    ['by a signal', 'kill -KILL $$', /SIGKILL/],
  ])('reports a failure %s', async (_, script, why) => {
    const error = await failureOf(place.compile({ atc: place.program(script) }))
    expect(error).toMatchObject({ code: 'DEVICE_FAILED', details: { why: expect.stringMatching(why) } })
    expect(place.kept()).toEqual(['KEY.log'])
    expect(error.details.do).toContain(place.cacheDir)
  })

  it('reports a full disk', async () => {
    const atc = place.program('echo "write failed: No space left on device" >&2; exit 1')
    expect(await failureOf(place.compile({ atc }))).toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    expect(place.kept()).toEqual(['KEY.log'])
  })

  it('reports a compiler that writes nothing', async () => {
    const error = await failureOf(place.compile({ atc: place.program('exit 0') }))
    expect(error).toMatchObject({ code: 'DEVICE_FAILED', message: expect.stringContaining('wrote no model') })
    expect(place.kept()).toEqual(['KEY.log'])
  })

  it('reports a folder that cannot be written to', async () => {
    mkdirSync(place.cacheDir)
    writeFileSync(join(place.cacheDir, 'npu'), 'a file')
    expect(await failureOf(place.compile())).toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
  })

  it('ends the compiler and what it started when it is aborted', async () => {
    const pids = join(dirname(place.cacheDir), 'pids')
    const atc = place.program(`sleep 600 & echo $! $$ > ${pids}.new; mv ${pids}.new ${pids}; wait`)
    const controller = new AbortController()
    const reason = new Error('enough')
    const compiling = place.compile({ atc, signal: controller.signal })
    compiling.catch(() => {})
    for (let tries = 0; !existsSync(pids) && tries < 400; tries++) await sleep(25)
    controller.abort(reason)
    await expect(compiling).rejects.toBe(reason)
    for (const pid of readFileSync(pids, 'utf8').trim().split(' ').map(Number)) await expectEnded(pid)
    expect(place.kept()).toEqual([])
  })

  it('works after a failure', async () => {
    await failureOf(place.compile({ atc: place.program('exit 1') }))
    await place.compile()
    expect((await place.find())?.facts.om).toBe('model.om')
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

async function failureOf(work: Promise<unknown>): Promise<QvlError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof QvlError) return error
  throw new Error('it did not fail with a QvlError', { cause: error })
}
