import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { npuFailure } from '#qvl/devices/npu/addon.js'
import type { NpuDevice, NpuErrorCode, NpuModel } from '#qvl/devices/npu/native.js'
import type { ErrorCode } from '#qvl/errors.js'
import { describeSoftware, SoftwareAscend } from '../../npu/software.js'
import { checkRun, compileSmall, loadAddon, runChecked, runOf } from './small-model.js'

type Fault = [call: string, aclCode: number, code: NpuErrorCode, qvlCode: ErrorCode, hint: RegExp, nth?: number]

/** The addon's error, and what qvl makes of it. */
async function expectFault(promise: Promise<unknown>, [call, aclCode, code, qvlCode, hint]: Fault): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toMatchObject({ code, aclCall: call, aclCode, detail: expect.stringMatching(/./) })
  const failure = npuFailure(error)
  expect(failure.code).toBe(qvlCode)
  expect(failure.cause).toBe(error)
  expect(failure.details.do).toMatch(hint)
}

const base = { devices: 2, memoryBytes: 2 ** 30 }

describeSoftware('faults of AscendCL', () => {
  let software: SoftwareAscend
  let omPath: string
  /** Works throughout: a fault of one device is none of another's. */
  let other: NpuDevice
  let otherModel: NpuModel
  beforeAll(async () => {
    software = new SoftwareAscend(base).applyHere()
    omPath = compileSmall(software)
    other = await loadAddon().open({ deviceId: 1 })
    otherModel = await other.load({ omPath })
  })
  afterEach(async () => {
    software.set(base)
    await runChecked(otherModel, 1)
    expect(software.report()).toEqual([])
  })
  afterAll(async () => {
    await other?.close()
    software?.remove()
  })
  /** On the device 0, if it is open: what opens it has none. */
  const inject = ([call, code, , , , nth = 1]: Fault, device = 0): void => {
    software.set({ ...base, fail: [{ call, device, code, nth, text: `words of ${call}` }] })
  }

  const opening: Fault[] = [
    ['aclrtSetDevice', 207006, 'ERR_NPU_BUSY_OR_PERMISSION', 'DEVICE_UNAVAILABLE', /group|npu-smi/],
    ['aclrtSetDevice', 207004, 'ERR_NPU_NO_DEVICE', 'DEVICE_UNAVAILABLE', /ASCEND_RT_VISIBLE_DEVICES/],
    ['aclrtSetDevice', 507010, 'ERR_NPU_DEVICE_FAILED', 'DEVICE_LOST', /npu-smi/],
    ['aclrtCreateContext', 500000, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/],
    ['aclrtSetCurrentContext', 107002, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/],
    ['aclrtCreateStream', 207008, 'ERR_NPU_BUSY_OR_PERMISSION', 'DEVICE_UNAVAILABLE', /other processes/],
    ['aclrtSetDevice', 100001, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/],
    ['aclrtSetDevice', 100039, 'ERR_NPU_LIBRARY', 'DEVICE_UNAVAILABLE', /devlib/],
  ]
  it.each(opening)('while opening: %s %d', async (...fault) => {
    inject(fault, -1)
    await expectFault(loadAddon().open({ deviceId: 0 }), fault)
    const device = await loadAddon().open({ deviceId: 0 })
    await device.close()
  })

  it('while opening: a device that is not there', async () => {
    const fault: Fault = ['aclrtSetDevice', 107001, 'ERR_NPU_NO_DEVICE', 'DEVICE_UNAVAILABLE', /npu-smi/]
    await expectFault(loadAddon().open({ deviceId: 7 }), fault)
  })

  const probing: Fault[] = [
    ['aclrtGetDeviceCount', 207004, 'ERR_NPU_NO_DEVICE', 'DEVICE_UNAVAILABLE', /npu-smi/],
    ['aclrtSetDevice', 207006, 'ERR_NPU_BUSY_OR_PERMISSION', 'DEVICE_UNAVAILABLE', /npu-smi/],
  ]
  it.each(probing)('while probing: %s %d', async (...fault) => {
    inject(fault, -1)
    await expectFault(loadAddon().probe({}), fault)
    expect((await loadAddon().probe({})).devices).toHaveLength(2)
  })

  const memoryFault = (call: string, code: number, nth = 1): Fault => [
    call,
    code,
    'ERR_NPU_OOM',
    'DEVICE_OUT_OF_MEMORY',
    /smaller gears/,
    nth,
  ]
  const loading: Fault[] = [
    ['aclmdlLoadFromFile', 100003, 'ERR_NPU_MODEL_FILE', 'DEVICE_FAILED', /qvl compile/],
    ['aclmdlLoadFromFile', 100013, 'ERR_NPU_MODEL_FILE', 'DEVICE_FAILED', /qvl compile/],
    ['aclmdlLoadFromFile', 545001, 'ERR_NPU_SOC_MISMATCH', 'DEVICE_FAILED', /--soc-version/],
    ['aclmdlLoadFromFile', 507008, 'ERR_NPU_SOC_MISMATCH', 'DEVICE_FAILED', /--soc-version/],
    ['aclmdlGetDesc', 100011, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/],
    ['aclmdlGetDesc', 500002, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/],
    ['aclmdlGetInputDims', 100000, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/, 3],
    ['aclmdlGetOutputDims', 100000, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/, 2],
    ['aclmdlGetInputDynamicGearCount', 100000, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/],
    ['aclmdlGetInputDynamicDims', 100019, 'ERR_NPU_GEAR', 'DEVICE_FAILED', /qvl compile/],
    memoryFault('aclmdlLoadFromFile', 245000),
    memoryFault('aclmdlCreateDesc', 200000),
    ...[1, 2, 3].map((nth) => memoryFault('aclrtMalloc', 207001, nth)),
    ...[1, 2, 3].map((nth) => memoryFault('aclrtMallocHost', 207018, nth)),
    ...[1, 4, 6].map((nth) => memoryFault('aclCreateDataBuffer', 200000, nth)),
    ...[1, 2].map((nth) => memoryFault('aclmdlCreateDataset', 200000, nth)),
    ['aclmdlAddDatasetBuffer', 100000, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/, 5],
  ]
  describe('while loading', () => {
    let device: NpuDevice
    beforeAll(async () => {
      device = await loadAddon().open({ deviceId: 0 })
    })
    afterAll(() => device?.close())
    it.each(loading)('%s %d', async (...fault) => {
      const before = await device.memory()
      inject(fault)
      await expectFault(device.load({ omPath }), fault)
      expect(await device.memory()).toEqual(before)
      const model = await device.load({ omPath })
      await runChecked(model, 2)
      await model.close()
      expect(await device.memory()).toEqual(before)
    })

    const loadingWithWeights: Fault[] = [
      memoryFault('aclmdlCreateConfigHandle', 200000),
      ['aclmdlSetConfigOpt', 100016, 'ERR_NPU_MODEL_FILE', 'DEVICE_FAILED', /qvl compile/, 3],
      ['aclmdlLoadWithConfig', 545001, 'ERR_NPU_SOC_MISMATCH', 'DEVICE_FAILED', /--soc-version/],
    ]
    it.each(loadingWithWeights)('with its weights beside it: %s %d', async (...fault) => {
      const before = await device.memory()
      inject(fault)
      await expectFault(device.load({ omPath, weightDir: software.folder }), fault)
      expect(await device.memory()).toEqual(before)
    })

    it('a file that is not there, and a model for another SoC', async () => {
      await expect(device.load({ omPath: '/nowhere.om' })).rejects.toMatchObject({ code: 'ERR_NPU_MODEL_FILE' })
      software.set({ ...base, soc: 'Ascend310P3' })
      await expect(device.load({ omPath })).rejects.toMatchObject({ code: 'ERR_NPU_SOC_MISMATCH' })
    })

    it('a model that does not fit', async () => {
      software.set({ ...base, memoryBytes: 1000 })
      await expect(device.load({ omPath })).rejects.toMatchObject({ code: 'ERR_NPU_OOM' })
    })
  })

  const running: Fault[] = [
    ['aclmdlSetInputDynamicDims', 145013, 'ERR_NPU_GEAR', 'DEVICE_FAILED', /qvl compile/],
    ['aclmdlSetInputDynamicDims', 100019, 'ERR_NPU_GEAR', 'DEVICE_FAILED', /qvl compile/],
    ['aclmdlGetCurOutputDims', 145021, 'ERR_NPU_GEAR', 'DEVICE_FAILED', /qvl compile/, 2],
    ['aclrtMemcpyAsync', 107003, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/, 1],
    ['aclrtMemcpyAsync', 107000, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/, 3],
    ['aclrtMemcpyAsync', 500003, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/, 5],
    ['aclmdlExecuteAsync', 100017, 'ERR_NPU_GEAR', 'DEVICE_FAILED', /qvl compile/],
    ...[100018, 145011, 145012].map(
      (code): Fault => ['aclmdlExecuteAsync', code, 'ERR_NPU_GEAR', 'DEVICE_FAILED', /qvl compile/],
    ),
    ['aclmdlExecuteAsync', 145003, 'ERR_NPU_INTERNAL', 'DEVICE_FAILED', /--debug/],
    memoryFault('aclmdlExecuteAsync', 245000),
    memoryFault('aclrtSynchronizeStreamWithTimeout', 207018),
  ]
  describe('while running, which the runs behind it do not notice', () => {
    let device: NpuDevice
    let model: NpuModel
    beforeAll(async () => {
      device = await loadAddon().open({ deviceId: 0 })
      model = await device.load({ omPath })
    })
    afterAll(() => device?.close())
    it.each(running)('%s %d', async (...fault) => {
      inject(fault)
      const failing = expectFault(model.run(runOf(2)), fault)
      await Promise.all([failing, runChecked(model, 0, 5), runChecked(otherModel, 2), runChecked(model, 2, 6)])
    })
  })

  const losing: Fault[] = [
    ...[507010, 507011, 507014, 507015].map(
      (code): Fault => [
        'aclrtSynchronizeStreamWithTimeout',
        code,
        'ERR_NPU_DEVICE_FAILED',
        'DEVICE_LOST',
        /Send the request again/,
      ],
    ),
    ...[107019, 107020, 507046].map(
      (code): Fault => ['aclrtSynchronizeStreamWithTimeout', code, 'ERR_NPU_TIMEOUT', 'DEVICE_LOST', /opened again/],
    ),
    ['aclmdlExecuteAsync', 507011, 'ERR_NPU_DEVICE_FAILED', 'DEVICE_LOST', /npu-smi/],
  ]
  it.each(losing)('losing the device: %s %d', async (...fault) => {
    const device = await loadAddon().open({ deviceId: 0 })
    const model = await device.load({ omPath })
    inject(fault)
    const lost = expectFault(model.run(runOf(0)), fault)
    const behind = [model.run(runOf(1)), device.memory(), device.load({ omPath })].map((promise) =>
      expect(promise).rejects.toMatchObject({ code: 'ERR_NPU_DEVICE_FAILED', aclCode: fault[1] }),
    )
    await Promise.all([lost, ...behind, runChecked(otherModel, 2)])
    await model.close()
    await device.close()
    const again = await loadAddon().open({ deviceId: 0 })
    await runChecked(await again.load({ omPath }), 2)
    await again.close()
  })

  it('a run that takes too long', async () => {
    const device = await loadAddon().open({ deviceId: 0 })
    const model = await device.load({ omPath })
    // Longer than the test may take: only the release by force ends it.
    software.set({ ...base, delayMs: 3_600_000 })
    const late = model.run({ ...runOf(0), timeoutMs: 100 })
    await expect(late).rejects.toMatchObject({ code: 'ERR_NPU_TIMEOUT', aclCall: 'aclrtSynchronizeStreamWithTimeout' })
    await expect(model.run(runOf(0))).rejects.toMatchObject({ code: 'ERR_NPU_DEVICE_FAILED' })
    software.set(base)
    await device.close()
  })

  it('a device that is lost in the middle of many runs, and comes back at the third try', async () => {
    const device = await loadAddon().open({ deviceId: 0 })
    const model = await device.load({ omPath })
    const runs = Array.from({ length: 40 }, (_, i) => runOf(i % 3, i))
    software.set({ ...base, lose: { device: 0, execution: 15, failingSets: 2 } })
    const results = await Promise.allSettled(runs.map((run) => model.run(run)))
    expect(results.map(({ status }) => status)).toEqual(runs.map((_, i) => (i < 14 ? 'fulfilled' : 'rejected')))
    results.forEach((result, i) => {
      if (result.status === 'fulfilled') checkRun(runs[i]!, i % 3, i)
      else expect(result.reason).toMatchObject({ code: 'ERR_NPU_DEVICE_FAILED', aclCode: 507010 })
    })
    await device.close()
    for (const _ of [1, 2]) {
      await expect(loadAddon().open({ deviceId: 0 })).rejects.toMatchObject({ code: 'ERR_NPU_DEVICE_FAILED' })
    }
    const again = await loadAddon().open({ deviceId: 0 })
    await runChecked(await again.load({ omPath }), 2)
    await again.close()
  })
})

describe('errors that are not of the addon', () => {
  it('are defects, except qvl’s own', () => {
    expect(npuFailure(new RangeError('size')).code).toBe('INTERNAL')
    const own = npuFailure('text')
    expect(npuFailure(own)).toBe(own)
  })
})
