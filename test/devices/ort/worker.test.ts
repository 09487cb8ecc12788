import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { lowerToOnnx } from '#qvl/devices/onnx/lower.js'
import { openDevice } from '#qvl/devices/open-device.js'
import { startWorker, WorkerProgram } from '#qvl/devices/ort/worker-program.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import type { Program, ProgramInputs } from '#qvl/program/program.js'
import { memoryTensor } from '../support.js'

const width = 1024
const dist = fileURLToPath(new URL('../../../dist', import.meta.url))
const packages = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** Doubles its input a number of times, by matrix products that take a while. */
function doubling(times: number): Program {
  const p = new ProgramBuilder()
  let x = p.floats('x', 'tokens', width)
  for (let i = 0; i < times; i++) x = p.linear(x, 'double', width)
  p.output('y', x)
  return p.build()
}

const weights = new Map([
  [
    'double',
    memoryTensor(
      Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 2 : 0)),
      width,
      width,
    ),
  ],
])

const batch = (rows: number, value: number): ProgramInputs => ({ x: new Float32Array(rows * width).fill(value) })

const load = async (times: number) => await (await openDevice('ort')).load(doubling(times), weights, { threads: 1 })

describe('a program in a worker', () => {
  it('answers each of several runs in flight, in order', async () => {
    await using program = await load(1)
    const order: number[] = []
    const runs = [1, 2, 3, 4, 5].map(async (value) => {
      const { y } = await program.run(batch(value, value))
      order.push(value)
      return [y!.rows, y!.data[0], y!.data.at(-1)]
    })
    expect(await Promise.all(runs)).toEqual([1, 2, 3, 4, 5].map((value) => [value, 2 * value, 2 * value]))
    expect(order).toEqual([1, 2, 3, 4, 5])
  })

  it('leaves the inputs as they were', async () => {
    await using program = await load(1)
    const inputs = batch(2, 1)
    await program.run(inputs)
    expect(inputs).toEqual(batch(2, 1))
  })

  it('leaves the event loop free while it computes', async () => {
    await using program = await load(8)
    let answered = false
    const run = program.run(batch(1024, 1)).finally(() => {
      answered = true
    })
    let turns = 0
    while (!answered) {
      await setImmediate()
      turns++
    }
    await run
    expect(turns).toBeGreaterThan(100)
  })

  const start = () => startWorker({ lowered: lowerToOnnx(doubling(1), weights), threads: 1 })

  it('rejects what is in flight when the worker ends, and what comes after', async () => {
    const started = start()
    const program = new WorkerProgram(started, { products: 'float32', threads: 1 })
    await program.loaded
    // Not a question at all: the worker fails outside of everything that it guards, and ends.
    started.worker.postMessage(null)
    const results = await Promise.allSettled([program.run(batch(2, 1)), program.run(batch(1, 1))])
    for (const result of results) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { name: 'QvlError', code: 'DEVICE_FAILED', cause: expect.any(TypeError) },
      })
    }
    await expect(program.run(batch(1, 1))).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    await program.close()
  })

  it('rejects loading when the worker ends before it has loaded', async () => {
    const started = start()
    const program = new WorkerProgram(started, { products: 'float32', threads: 1 })
    const rejected = expect(program.loaded).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    // Before the thread has begun its first line.
    await started.worker.terminate()
    await rejected
  })

  it('answers what is in flight before it closes, and refuses runs afterwards', async () => {
    const program = await load(1)
    const run = program.run(batch(1, 4))
    const closing = program.close()
    await expect(program.run(batch(1, 1))).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    await closing
    expect((await run).y!.data[0]).toBe(8)
    await program.close()
  })

  it.each<[string, ProgramInputs]>([
    ['a missing input', {}],
    ['an input of another type', { x: new Int32Array(width) }],
    ['an input of another width', { x: new Float32Array(width + 1) }],
  ])('refuses %s and answers the next run', async (_, inputs) => {
    await using program = await load(1)
    await expect(program.run(inputs)).rejects.toMatchObject({ code: 'INTERNAL', details: { param: 'x' } })
    expect((await program.run(batch(1, 1))).y!.data[0]).toBe(2)
  })

  it('refuses rows that are written to twice', async () => {
    const p = new ProgramBuilder()
    const x = p.floats('x', 'tokens', 1)
    p.output('y', p.addRows(x, p.integers('rows', 'visual'), p.floats('added', 'visual', 1)))
    await using program = await (await openDevice('ort')).load(p.build(), new Map(), {})
    const inputs = { x: new Float32Array(3), rows: Int32Array.of(1, 1), added: new Float32Array(2) }
    await expect(program.run(inputs)).rejects.toMatchObject({ code: 'INTERNAL', details: { param: 'rows' } })
  })

  it('reports a failure of the runtime in our words', async () => {
    const p = new ProgramBuilder()
    p.output('y', p.gatherRows(p.floats('x', 'tokens', 1), p.integers('rows', 'pooled')))
    await using program = await (await openDevice('ort')).load(p.build(), new Map(), {})
    const run = program.run({ x: new Float32Array(3), rows: Int32Array.of(7) })
    await expect(run).rejects.toMatchObject({ code: 'DEVICE_FAILED', cause: expect.any(Error) })
    await expect(run).rejects.not.toThrow(/Gather|indices/)
  })
})

describe('the process around a device', () => {
  /** Runs a script next to a copy of the built files. */
  async function script(
    source: string,
    options: { withPackages: boolean },
  ): Promise<{ code: number; out: string; err: string }> {
    const folder = await mkdtemp(path.join(tmpdir(), 'qvl-process-'))
    try {
      await cp(dist, path.join(folder, 'dist'), { recursive: true })
      await writeFile(path.join(folder, 'package.json'), '{"type":"module"}')
      await writeFile(path.join(folder, 'script.js'), source)
      if (options.withPackages) await symlink(packages, path.join(folder, 'node_modules'))
      else await mkdir(path.join(folder, 'node_modules'))
      const child = spawn(process.execPath, ['script.js'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
      return { code, out, err }
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  it('ends although idle programs were not closed', async () => {
    const source = `
      import { openDevice } from './dist/devices/open-device.js'
      import { ProgramBuilder } from './dist/program/builder.js'
      const p = new ProgramBuilder()
      p.output('y', p.scale(p.floats('x', 'tokens', 1), 3))
      const device = await openDevice('ort')
      await device.load(p.build(), new Map(), {})
      const program = await device.load(p.build(), new Map(), {})
      const { y } = await program.run({ x: Float32Array.of(5) })
      console.log(y.data[0])
    `
    expect(await script(source, { withPackages: true })).toEqual({ code: 0, out: '15\n', err: '' })
  })

  it.each<[string, string]>([
    ['exits while a batch is computed', 'await started; process.exit(7)'],
    ['exits while a model is loaded', 'process.exit(7)'],
  ])('a process that %s ends with its own exit code and says nothing', async (_, ending) => {
    const source = `
      import { setTimeout } from 'node:timers/promises'
      import { openDevice } from './dist/devices/open-device.js'
      import { ProgramBuilder } from './dist/program/builder.js'
      const p = new ProgramBuilder()
      let x = p.floats('x', 'tokens', 1024)
      for (let i = 0; i < 8; i++) x = p.linear(x, 'w', 1024)
      p.output('y', x)
      const weights = new Map([['w', { dtype: 'F32', shape: [1024, 1024], data: new Float32Array(1024 * 1024) }]])
      const loading = (await openDevice('ort')).load(p.build(), weights, { threads: 1 })
      const started = loading.then((program) => {
        program.run({ x: new Float32Array(2048 * 1024) })
        // Whether the worker is already computing by now changes nothing about what is expected.
        return setTimeout(50)
      })
      ${ending}
    `
    expect(await script(source, { withPackages: true })).toEqual({ code: 7, out: '', err: '' })
  })

  it('says what to install when the package is missing', async () => {
    const source = `
      import { openDevice } from './dist/devices/open-device.js'
      const error = await openDevice('ort').catch((error) => error)
      const { what, why, do: advice } = error.details
      console.log(JSON.stringify([error.code, what, why, advice]))
    `
    const { out } = await script(source, { withPackages: false })
    expect(JSON.parse(out)).toEqual([
      'DEVICE_UNAVAILABLE',
      'ONNX Runtime is not available.',
      'The optional package onnxruntime-node is not installed.',
      'Install it with `npm install onnxruntime-node`, or choose another device.',
    ])
  })
})
