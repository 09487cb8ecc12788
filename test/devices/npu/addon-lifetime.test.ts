import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NpuDevice, NpuModel, NpuRun } from '#qvl/devices/npu/native.js'
import { describeSoftware, SoftwareAscend } from '../../npu/software.js'
import { addonFile, compileSmall, loadAddon, runChecked, runOf } from './small-model.js'

describeSoftware('the lifetime of devices and models', () => {
  let software: SoftwareAscend
  let omPath: string
  beforeAll(() => {
    software = new SoftwareAscend({ devices: 2 }).applyHere()
    omPath = compileSmall(software)
  })
  afterEach(() => {
    expect(software.report()).toEqual([])
    software.clearReport()
    software.set({ devices: 2 })
  })
  afterAll(() => software?.remove())

  it('closes models and devices in any order, and twice', async () => {
    const device = await loadAddon().open({ deviceId: 0 })
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => device.load({ omPath })))
    await second!.close()
    await second!.close()
    await expect(second!.run(runOf(0))).rejects.toMatchObject({ code: 'ERR_NPU_CLOSED' })
    await runChecked(first!, 1)
    const run = runChecked(third!, 2)
    const closed = [device.close(), device.close(), first!.close(), third!.close()]
    await expect(third!.run(runOf(0))).rejects.toMatchObject({ code: 'ERR_NPU_CLOSED' })
    await run
    await Promise.all(closed)
    for (const promise of [device.load({ omPath }), device.memory()]) {
      await expect(promise).rejects.toMatchObject({ code: 'ERR_NPU_CLOSED' })
    }
    // What it is can be asked for ever.
    expect(third!.describe().gears).toHaveLength(3)
  })

  it('waits for the runs before a close', async () => {
    const device = await loadAddon().open({ deviceId: 0 })
    const model = await device.load({ omPath })
    const runs = Array.from({ length: 10 }, (_, i) => runChecked(model, i % 3, i))
    await model.close()
    await Promise.all(runs)
    await device.close()
  })

  it('takes no more than its queue holds', async () => {
    const device = await loadAddon().open({ deviceId: 0 })
    const model = await device.load({ omPath })
    software.set({ devices: 2, delayMs: 300 })
    const first = runChecked(model, 0)
    const rest = Array.from({ length: 300 }, () => model.run(runOf(0)))
    software.set({ devices: 2 })
    const results = await Promise.allSettled(rest)
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.length).toBeGreaterThan(40)
    expect(refused.length).toBeLessThan(50)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'ERR_NPU_QUEUE_FULL' })
    await first
    await device.close()
  })

  describe('what is wrong is thrown before anything is queued', () => {
    let device: NpuDevice
    let model: NpuModel
    beforeAll(async () => {
      device = await loadAddon().open({ deviceId: 0 })
      model = await device.load({ omPath })
    })
    afterAll(() => device?.close())
    const good = runOf(1)
    const { ids, x, shift } = good.inputs
    const { out, twice } = good.outputs
    const wrong: [name: string, run: object, error: typeof RangeError | typeof TypeError, message: RegExp][] = [
      ['no gear', { gear: undefined }, RangeError, /gear/],
      ['a gear that was not compiled', { gear: [2, 9, 2, 9, 4, 2] }, RangeError, /gear/],
      ['a gear of fewer dimensions', { gear: [2, 8] }, RangeError, /gear/],
      ['a gear that is no array', { gear: 'largest' }, TypeError, /gear/],
      ['a gear of texts', { gear: ['2', '8'] }, TypeError, /gear\[0\]/],
      ['an input too short', { inputs: { ids, x: x.subarray(1), shift } }, RangeError, /^x has 256 bytes/],
      ['an input too long', { inputs: { ids, x, shift: new Float32Array(3) } }, RangeError, /^shift/],
      ['an input of another type', { inputs: { ids: new Int32Array(32), x, shift } }, TypeError, /^ids.*int64/],
      ['an input that is missing', { inputs: { ids, x } }, TypeError, /inputs has 2/],
      ['an input too many', { inputs: { ids, x, shift, y: x } }, TypeError, /inputs has 4/],
      ['an input of another name', { inputs: { ids, x, shifts: shift } }, TypeError, /^shift is missing/],
      ['inputs that are no object', { inputs: 7 }, TypeError, /inputs/],
      ['an input that is no array', { inputs: { ids, x: [1, 2], shift } }, TypeError, /^x/],
      [
        'an output too long',
        { outputs: { out: new Float32Array(99), twice } },
        RangeError,
        /^out has 32 bytes at most/,
      ],
      ['an output of another type', { outputs: { out, twice: new Float64Array(16) } }, TypeError, /^twice/],
      ['no outputs', { outputs: undefined }, TypeError, /outputs/],
      ['no time limit', { timeoutMs: undefined }, TypeError, /timeoutMs/],
      ['a time limit of zero', { timeoutMs: 0 }, RangeError, /timeoutMs/],
      ['a time limit with a fraction', { timeoutMs: 1.5 }, RangeError, /timeoutMs/],
    ]
    it.each(wrong)('%s', (_, change, error, message) => {
      const run: NpuRun = { ...good, ...change }
      expect(() => model.run(run)).toThrow(error)
      expect(() => model.run(run)).toThrow(message)
    })

    it('a getter that throws', () => {
      const run = {
        ...good,
        get gear(): number[] {
          throw new Error('of the getter')
        },
      }
      expect(() => model.run(run)).toThrow('of the getter')
    })

    it('an output too short is found out by the device', async () => {
      const run: NpuRun = { ...good, outputs: { out: new Float32Array(4), twice } }
      await expect(model.run(run)).rejects.toThrow(RangeError)
      await runChecked(model, 1)
    })

    it('an output that was transferred away', async () => {
      const run = runOf(1)
      const done = model.run(run)
      structuredClone(run.outputs.out, { transfer: [run.outputs.out.buffer] })
      await expect(done).rejects.toThrow(RangeError)
      await runChecked(model, 1)
    })

    it.each([{}, null, 7, undefined])('methods called on something else: %s', (other) => {
      for (const method of [model.describe, model.run, model.close, device.close, device.memory, device.load]) {
        expect(() => Reflect.apply(method, other, [good])).toThrow(TypeError)
      }
      expect(() => Reflect.apply(model.describe, device, [])).toThrow('not a model')
    })

    it.each([[{}], [{ deviceId: -1 }], [{ deviceId: 0, library: 7 }], []])('options of open: %j', (...options) => {
      expect(() => Reflect.apply(loadAddon().open, undefined, options)).toThrow(/deviceId|library/)
    })
  })

  /** A script in a process of its own, with `open` devices, a compiled model and a run. */
  function inProcess(script: string): { status: number | null; stdout: string; stderr: string } {
    const prelude = `
      const addon = require(${JSON.stringify(addonFile)})
      const omPath = ${JSON.stringify(omPath)}
      const newRun = () => ({
        gear: [1, 8, 1, 8, 4, 1],
        inputs: { ids: new BigInt64Array(8), x: new Float32Array(32).fill(1), shift: new Float32Array(1) },
        outputs: { out: new Float32Array(4), twice: new BigInt64Array(8) },
        timeoutMs: 10000,
      })
    `
    return spawnSync(process.execPath, ['--expose-gc', '-e', `${prelude}\n${script}`], {
      encoding: 'utf8',
      timeout: 30_000,
    })
  }
  const check = `console.log('ok')`
  const scripts: [name: string, script: string, delayMs?: number][] = [
    ['nothing was opened', check],
    ['a probe', `addon.probe({}).then(() => ${check})`],
    ['nobody closed the device', `addon.open({ deviceId: 0 }).then(() => ${check})`],
    [
      'nobody closed the model',
      `addon.open({ deviceId: 0 }).then((device) => device.load({ omPath })).then((model) => model.run(newRun()))
        .then(() => ${check})`,
    ],
    [
      'the process exits with work in flight',
      `addon.open({ deviceId: 0 }).then((device) => device.load({ omPath })).then((model) => {
        for (let i = 0; i < 20; i++) model.run(newRun()).then(() => console.log('late'))
        ${check}
        setTimeout(() => process.exit(0), 20)
      })`,
      100,
    ],
    ['the process exits while a device opens', `addon.open({ deviceId: 0 }); ${check}; process.exit(0)`],
    [
      'what nobody holds is collected',
      `void (async () => {
        const { setTimeout: sleep } = require('node:timers/promises')
        for (let i = 0; i < 10; i++) {
          const model = await (await addon.open({ deviceId: i % 2 })).load({ omPath })
          await model.run(newRun())
        }
        for (let i = 0; i < 5; i++) { gc(); await sleep(5) }
        ${check}
      })()`,
    ],
    [
      'a device is opened and closed again and again',
      `void (async () => {
        for (let i = 0; i < 10; i++) {
          const device = await addon.open({ deviceId: 0 })
          const model = await device.load({ omPath })
          const run = model.run(newRun())
          if (i % 2 === 0) await run
          await device.close()
        }
        ${check}
      })()`,
    ],
  ]
  it.each(scripts)('leaves nothing behind when %s', (_, script, delayMs = 0) => {
    software.set({ devices: 2, delayMs })
    expect(inProcess(script)).toMatchObject({ status: 0, stdout: 'ok\n', stderr: '' })
  })

  it('a worker ends with work in flight, and others go on', async () => {
    software.set({ devices: 2, delayMs: 20 })
    const device = await loadAddon().open({ deviceId: 0 })
    const model = await device.load({ omPath })
    const script = `
      const { parentPort, workerData } = require('node:worker_threads')
      const addon = require(workerData.addonFile)
      addon.open({ deviceId: 1 }).then((device) => device.load({ omPath: workerData.omPath })).then((model) => {
        for (let i = 0; i < 5; i++) model.run(workerData.run)
        parentPort.postMessage('running')
      })`
    const { gear, inputs, outputs, timeoutMs } = runOf(0)
    const workerData = { addonFile, omPath, run: { gear, inputs, outputs, timeoutMs } }
    const worker = new Worker(script, { eval: true, workerData })
    await once(worker, 'message')
    const runs = Array.from({ length: 5 }, (_, i) => runChecked(model, i % 3, i))
    await worker.terminate()
    await Promise.all(runs)
    await device.close()
  })

  const failing: [name: string, script: string, code: string][] = [
    ['a library that is none', `addon.probe({ library: '/dev/null' })`, 'ERR_NPU_LIBRARY'],
    [
      'a library that is not there',
      `addon.open({ deviceId: 0, library: '/nowhere/libascendcl.so' })`,
      'ERR_NPU_LIBRARY',
    ],
    ['a library of something else', `addon.probe({ library: 'libm.so.6' })`, 'ERR_NPU_SYMBOL'],
  ]
  it.each(failing)('%s', (_, call, code) => {
    const { stdout, stderr } = inProcess(`${call}.catch((error) => console.log(error.code))`)
    expect({ stdout, stderr }).toEqual({ stdout: `${code}\n`, stderr: '' })
  })

  it('aclInit fails, and succeeds later', () => {
    software.set({ devices: 2, fail: [{ call: 'aclInit', code: 500000 }] })
    const script = `addon.probe({}).catch((error) => console.log(error.code, error.aclCall)).then(() => addon.probe({}))
      .then(({ socName }) => console.log(socName))`
    expect(inProcess(script).stdout).toBe('ERR_NPU_INTERNAL aclInit\nAscend910B4\n')
  })
})
