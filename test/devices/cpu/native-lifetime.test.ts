import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import type { Plan } from '#qvl/devices/cpu/native.js'
import { makePlan } from '#qvl/devices/cpu/plan.js'
import { addonFile, describeNative, floats, loadNative, programOf, tensor } from './native-addon.js'

const width = 512

/** A run of many steps, none of them short. */
function longPlan(): Plan {
  const program = programOf(width, (p, x) => {
    let y = x
    for (let layer = 0; layer < 40; layer++) y = p.add(y, p.linear(p.scale(y, 0.1), 'w', width))
    return y
  })
  return makePlan(program, new Map([['w', tensor(width, width)]]), { products: 'f32' })
}
const batch = (rows: number): { x: Float32Array } => ({ x: floats(rows * width) })
const longRows = 2000
const code = (error: unknown): unknown => Reflect.get(error as object, 'code')

/** Runs a script that has `native` and `plan` in a process of its own. */
function inProcess(script: string): { status: number | null; stdout: string; stderr: string } {
  const plan = JSON.stringify(longPlan(), (key, value) => (key === 'data' ? undefined : value))
  const prelude = `
    const native = require(${JSON.stringify(addonFile)})
    const plan = ${plan}
    plan.weights[0].source.data = new Float32Array(${width * width}).fill(0.01)
    const x = new Float32Array(${longRows * width}).fill(0.5)
  `
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', prelude + script], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describeNative('the lifetime of a loaded plan', () => {
  it('answers runs in order, each with its own inputs', async () => {
    const native = loadNative()
    const handle = await native.load(longPlan(), { threads: 2 })
    const order: number[] = []
    const counts = [3, 1, 2]
    const outputs = await Promise.all(
      counts.map(async (rows) => {
        const inputs = batch(rows)
        const run = native.run(handle, inputs)
        // The addon has its own copy by now.
        inputs.x.fill(Number.NaN)
        const { out } = await run
        order.push(rows)
        return out!
      }),
    )
    expect(order).toEqual(counts)
    expect(outputs.map(({ rows }) => rows)).toEqual(counts)
    expect(outputs.every(({ data }) => data.every(Number.isFinite))).toBe(true)
    native.close(handle)
  })

  it('cancels the run in progress and no other', async () => {
    const native = loadNative()
    const handle = await native.load(longPlan(), { threads: 2 })
    native.cancel(handle)
    await native.run(handle, batch(1))
    const [first, second] = [native.run(handle, batch(longRows)), native.run(handle, batch(1))]
    const ended = first.then(
      () => 'done',
      (error) => code(error),
    )
    // Asked again until it has begun: a run that still waits is not in progress.
    const asking = setInterval(() => native.cancel(handle), 1)
    expect(await ended).toBe('CANCELLED')
    clearInterval(asking)
    await second.catch((error) => expect(code(error)).toBe('CANCELLED'))
    expect((await native.run(handle, batch(2))).out!.rows).toBe(2)
    native.close(handle)
  })

  it('rejects everything once it is closed', async () => {
    const native = loadNative()
    const handle = await native.load(longPlan(), { threads: 2 })
    const runs = [native.run(handle, batch(longRows)), native.run(handle, batch(1))]
    native.close(handle)
    native.close(handle)
    const results = await Promise.allSettled(runs)
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected'])
    await expect(native.run(handle, batch(1))).rejects.toMatchObject({ code: 'CLOSED' })
    for (const call of [native.cancel, native.statistics]) expect(() => call(handle)).toThrow('closed')
  })

  it.each([{}, null, 7, Object.create(null), undefined])('takes no other object for a handle: %s', async (other) => {
    const native = loadNative()
    const handle = other as object
    await expect(native.run(handle, {})).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    for (const call of [native.close, native.cancel, native.statistics]) expect(() => call(handle)).toThrow('handle')
  })

  it('counts time and memory', async () => {
    const native = loadNative()
    const handle = await native.load(longPlan(), { threads: 2 })
    await native.run(handle, batch(5))
    const { linearSeconds, totalSeconds, packedBytes } = native.statistics(handle)
    expect(linearSeconds).toBeGreaterThan(0)
    expect(totalSeconds).toBeGreaterThan(linearSeconds)
    expect(packedBytes).toBe(Math.ceil(width / 48) * 48 * width * 4)
    native.close(handle)
  })

  it('does not block the event loop', async () => {
    const native = loadNative()
    const handle = await native.load(longPlan(), { threads: 1 })
    const run = native.run(handle, batch(longRows)).then(() => 'the run')
    const turn = new Promise((done) => setImmediate(done, 'a turn of the loop'))
    expect(await Promise.race([run, turn])).toBe('a turn of the loop')
    await run
    native.close(handle)
  })

  const scripts = [
    { name: 'a handle that nobody closed', script: `native.load(plan, { threads: 2 }).then(() => console.log('ok'))` },
    {
      name: 'process.exit during a run',
      script: `native.load(plan, { threads: 2 }).then((handle) => {
        native.run(handle, { x }); native.run(handle, { x }); setTimeout(() => { console.log('ok'); process.exit(0) }, 20)
      })`,
    },
    {
      name: 'a worker thread that ends during a run',
      script: `
        const { Worker } = require('node:worker_threads')
        const source = 'const { parentPort, workerData } = require("node:worker_threads");' +
          'const native = require(workerData.file);' +
          'native.load(workerData.plan, { threads: 2 }).then((handle) => {' +
          '  native.run(handle, { x: workerData.x }); parentPort.postMessage("running") })'
        const worker = new Worker(source, { eval: true, workerData: { file: ${JSON.stringify(addonFile)}, plan, x } })
        worker.on('message', () => setTimeout(() => worker.terminate().then(() => console.log('ok')), 10))`,
    },
    {
      name: 'a handle that is collected during its run',
      script: `
        const run = native.load(plan, { threads: 2 }).then((handle) => native.run(handle, { x }))
        const collecting = setInterval(gc, 2)
        run.then(({ out }) => { clearInterval(collecting); gc(); setTimeout(() => console.log('ok'), 20) })`,
    },
  ]
  it.each(scripts)('ends the process well after $name', ({ script }) => {
    expect(inProcess(script)).toEqual({ status: 0, stdout: 'ok\n', stderr: '' })
  })

  it('selects an instruction set, or the one that QVL_CPU_ISA names', async () => {
    const { selected, available } = loadNative().isa()
    expect(selected).toBe(process.env.QVL_CPU_ISA || available[0])
    expect(available.at(-1)).toBe('portable')
    const forced = inProcess(`process.env.QVL_CPU_ISA = 'portable'; console.log(native.isa().selected)`)
    expect(forced.stdout).toBe('portable\n')
    const unknown = inProcess(`process.env.QVL_CPU_ISA = 'mmx'; try { native.isa() } catch (e) { console.log(e.code) }`)
    expect(unknown.stdout).toBe('ISA_UNAVAILABLE\n')
  })

  it('measures the peak of every type', async () => {
    for (const format of ['f32', 'bf16', 'i8'] as const) {
      expect(await loadNative().peak(format, 2, 0.02)).toBeGreaterThan(0)
    }
    await expect(loadNative().peak('f32', 0, 1)).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(loadNative().peak('f32', 1, Number.NaN)).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })
})
