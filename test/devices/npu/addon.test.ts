import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ElementType } from '#qvl/devices/onnx/model.js'
import { describeSoftware, SoftwareAscend } from '../../npu/software.js'
import {
  compile,
  compileSmall,
  gearArguments,
  gears,
  loadAddon,
  runChecked,
  runOf,
  width,
  writeModel,
  writeStaticModel,
} from './small-model.js'

describeSoftware('the addon on the software AscendCL', () => {
  let software: SoftwareAscend
  let omPath: string
  beforeAll(() => {
    software = new SoftwareAscend({ devices: 2, memoryBytes: 2 ** 30 }).applyHere()
    omPath = compileSmall(software)
  })
  afterEach(() => {
    expect(software.report()).toEqual([])
    software.clearReport()
    software.set({ devices: 2, memoryBytes: 2 ** 30 })
  })
  afterAll(() => software?.remove())

  it('says what there is', async () => {
    expect(await loadAddon().probe({})).toEqual({
      library: software.library,
      socName: 'Ascend910B4',
      version: 'software-runtime',
      missing: [],
      devices: [0, 1].map((id) => ({ id, freeBytes: 2 ** 30, totalBytes: 2 ** 30 })),
    })
  })

  it('describes a model', async () => {
    const device = await loadAddon().open({ deviceId: 0, library: software.library })
    const model = await device.load({ omPath })
    const [, , [batch, length]] = gears
    expect(model.describe()).toEqual({
      inputs: [
        { name: 'ids', type: 'int64', dims: [-1, -1], bytes: 8 * batch * length },
        { name: 'x', type: 'float32', dims: [-1, -1, width], bytes: 4 * batch * length * width },
        { name: 'shift', type: 'float32', dims: [-1], bytes: 4 * batch },
      ],
      outputs: [
        { name: 'out', type: 'float32', dims: [-1, width], bytes: 4 * batch * width },
        { name: 'twice', type: 'int64', dims: [-1, -1], bytes: 8 * batch * length },
      ],
      gears: gears.map(([b, s]) => [b, s, b, s, width, b]),
    })
    await device.close()
  })

  it('loads weights from the folder beside a model, and from another one', async () => {
    const folder = join(software.folder, `it's "a" folder $(of) mine`)
    mkdirSync(folder)
    const beside = compile(software, writeModel(folder), [...gearArguments(), '--external_weight=1'])
    const device = await loadAddon().open({ deviceId: 0 })
    await runChecked(await device.load({ omPath: beside }), 2)
    await runChecked(await device.load({ omPath: beside, weightDir: join(folder, 'weight') }), 1)
    renameSync(join(folder, 'weight'), join(folder, 'elsewhere'))
    await runChecked(await device.load({ omPath: beside, weightDir: join(folder, 'elsewhere') }), 0)
    for (const weightDir of [undefined, join(folder, 'weight')]) {
      const loading = device.load({ omPath: beside, ...(weightDir !== undefined && { weightDir }) })
      await expect(loading).rejects.toMatchObject({ code: 'ERR_NPU_SOC_MISMATCH', aclCode: 545001 })
    }
    await device.close()
  })

  it('runs every gear, in any order', async () => {
    const device = await loadAddon().open({ deviceId: 0 })
    const model = await device.load({ omPath })
    for (const gear of [2, 0, 1, 2, 1, 0]) {
      const report = await runChecked(model, gear, gear + 3)
      const [batch, length] = gears[gear]!
      expect(report.outputDims).toEqual({ out: [batch, width], twice: [batch, length] })
      expect(report.deviceMs).toBeGreaterThan(0)
    }
    await device.close()
  })

  const types: [ElementType, NodeJS.ArrayBufferView][] = [
    ['float32', Float32Array.of(1.5, -2, 3)],
    ['float16', Uint16Array.of(0x3c00, 0xc000, 0x7bff)],
    ['int32', Int32Array.of(1, -2, 2 ** 31 - 1)],
    ['int64', BigInt64Array.of(1n, -2n, 2n ** 62n)],
    ['bool', Uint8Array.of(0, 1, 1)],
  ]
  it.each(types)('takes and gives %s', async (type, x) => {
    const device = await loadAddon().open({ deviceId: 1 })
    const model = await device.load({ omPath: compile(software, writeStaticModel(software.folder, type), []) })
    expect(model.describe()).toMatchObject({ inputs: [{ type, dims: [3] }], outputs: [{ type, dims: [3] }], gears: [] })
    const out = new DataView(new ArrayBuffer(x.byteLength))
    await model.run({ inputs: { x }, outputs: { out }, timeoutMs: 10_000 })
    expect(Buffer.from(out.buffer)).toEqual(Buffer.from(x.buffer))
    await device.close()
  })

  it('answers runs in order, each with its own inputs', async () => {
    const device = await loadAddon().open({ deviceId: 0 })
    const models = [await device.load({ omPath }), await device.load({ omPath })]
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const run = runOf(i % 3, i)
        const done = models[i % 2]!.run(run)
        // The addon has its own copy by now.
        run.inputs.x.fill(Number.NaN)
        await done
        order.push(i)
        expect(run.outputs.twice.at(-1)).toBe(2n * BigInt(i * (run.outputs.twice.length - 1)))
        expect(run.outputs.out.every(Number.isFinite)).toBe(true)
      }),
    )
    expect(order).toEqual(Array.from(order, (_, i) => i))
    await device.close()
  })

  it('computes on two devices at once', async () => {
    const devices = await Promise.all([0, 1].map((deviceId) => loadAddon().open({ deviceId })))
    const models = await Promise.all(devices.map((device) => device.load({ omPath })))
    await Promise.all(Array.from({ length: 40 }, (_, i) => runChecked(models[i % 2]!, i % 3, i)))
    expect((await devices[0]!.memory()).freeBytes).toBeLessThan(2 ** 30)
    await Promise.all(devices.map((device) => device.close()))
  })

  it('leaves the event loop free during a slow run', async () => {
    const device = await loadAddon().open({ deviceId: 0 })
    const model = await device.load({ omPath })
    software.set({ devices: 2, delayMs: 200 })
    const order: string[] = []
    const run = runChecked(model, 0).then(() => order.push('run'))
    await new Promise<void>((done) => setImmediate(done)).then(() => order.push('turn'))
    await run
    expect(order).toEqual(['turn', 'run'])
    await device.close()
  })
})
