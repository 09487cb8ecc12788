// The npu device on the software AscendCL: exactly what ONNX Runtime makes of the same graph, on one device and on several.

import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { findCompiled } from '#qvl/devices/npu/compiled.js'
import { type GearRun, joinRuns, planRuns } from '#qvl/devices/npu/layout.js'
import { createNpuDevice } from '#qvl/devices/npu/npu.js'
import { compileModel } from '#qvl/engine/compile-model.js'
import { networkAlone } from '#qvl/engine/load-model.js'
import { jsonLines, qvl, vlEmbedder } from '../../e2e/run-qvl.js'
import { describeSoftware, SoftwareAscend } from '../../npu/software.js'
import { goldenPath } from '../../support/golden.js'
import { random } from '../../support/random.js'

/** The shapes of the runs, as they come: short and long sequences, and more than a run has room for. */
const batches = [[1], [7, 30, 64], Array.from({ length: 40 }, (_, index) => 1 + ((index * 37) % 90)), [300, 5]]

/** The model that atc was given, which the stand-in keeps. */
const onnxOf = (omPath: string): string => /^onnx (.*)$/m.exec(readFileSync(omPath, 'utf8'))![1]!

function tensorOf(run: GearRun, name: string, dims: readonly number[]): Tensor {
  const data = run.inputs[name]!
  return data instanceof Float32Array ? new Tensor('float32', data, dims) : new Tensor('int32', data, dims)
}

describeSoftware('the npu device', () => {
  const software = new SoftwareAscend({ devices: 3 }).applyHere()
  const cacheDir = path.join(software.folder, 'cache')
  afterEach(() => {
    software.set({ devices: 3 })
    expect(software.report()).toEqual([])
  })
  afterAll(() => software.remove())

  describe.each(['qwen3-embedding', 'bert-embedding'])('%s', (name) => {
    it('computes exactly what ONNX Runtime makes of its graph', async () => {
      const { config, weights } = await openCheckpoint(goldenPath(`checkpoints/${name}`))
      const { program, inputs: inputsOf } = networkAlone(config, weights)
      const device = await createNpuDevice({})
      const loaded = await device.load(program, weights, { dtype: 'float32', cacheDir, maxRows: 512 })
      expect(loaded).toMatchObject({ wholeSequences: true, arithmetic: { products: 'float32' } })
      const compiled = await findCompiled({ program, weights, soc: 'Ascend910B4', products: 'float32', cacheDir })
      const { layout } = compiled!.facts
      const session = await InferenceSession.create(onnxOf(compiled!.omPath), { logSeverityLevel: 4 })
      const next = random(11)
      for (const lengths of batches) {
        const inputs = inputsOf(rowsOf(lengths, next))
        const runs = planRuns(layout, inputs)
        for (const run of runs) await runHere(session, layout, run)
        expect(await loaded.run(inputs)).toEqual(joinRuns(layout, runs))
      }
      await session.release()
      await loaded.close()
      await device.close!()
    })
  })

  it('refuses shared prefixes, and a sequence that fits no gear', async () => {
    const { config, weights } = await openCheckpoint(goldenPath('checkpoints/qwen3-embedding'))
    const { program, inputs: inputsOf } = networkAlone(config, weights)
    const device = await createNpuDevice({})
    const loaded = await device.load(program, weights, { dtype: 'float32', cacheDir, maxRows: 512 })
    const next = random(12)
    const rows = rowsOf([8, 8], next)
    const chained = { ...rows, spans: rows.spans.map((span, index) => ({ ...span, chain: index === 0 ? [] : [0] })) }
    await expect(loaded.run(inputsOf(chained))).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    await expect(loaded.run(inputsOf(rowsOf([600], next)))).rejects.toMatchObject({ code: 'INPUT_TOO_LONG' })
    await loaded.close()
    await expect(loaded.run(inputsOf(rows))).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    await device.close!()
  })

  it('writes the same lines with several devices whichever of them computes, also when one is lost', async () => {
    const input = path.join(software.folder, 'texts.jsonl')
    await writeFile(
      input,
      jsonLines(Array.from({ length: 200 }, (_, i) => ({ text: `the text ${'long '.repeat(i % 40)}${i}` }))),
    )
    const args = ['embed', input, '-m', goldenPath('checkpoints/qwen3-embedding'), '--device', 'npu', '-dp', '3']
    const env = { ...software.environment, QVL_CACHE: cacheDir, QVL_MAX_NUM_BATCHED_TOKENS: '512' }
    const first = await qvl(args, '', { env })
    expect(first.code, first.stderr).toBe(0)
    software.set({ devices: 3, delayMs: 5, lose: { device: 1, execution: 3 } })
    const second = await qvl(args, '', { env })
    expect(second.code, second.stderr).toBe(0)
    expect(second.stderr).toContain('NPU 1 was lost')
    expect(second.stdout === first.stdout).toBe(true)
  }, 30_000)

  it('computes images on several devices too', async () => {
    const image = { image: goldenPath('media/rgb_48x48.png') }
    const lines = jsonLines(Array.from({ length: 6 }, (_, index) => ({ text: `picture ${index}`, ...image })))
    const env = { ...software.environment, QVL_CACHE: cacheDir }
    const gears = { gears: '8x64,1x512', visionGears: '8x64,1x512' }
    await compileModel({ model: vlEmbedder, dtype: 'float32', soc: 'Ascend910B4', cacheDir, ...gears })
    const args = ['embed', '-m', vlEmbedder, '--allowed-local-media-path', goldenPath('media')]
    const [npu, ort] = [
      await qvl([...args, '--device', 'npu', '--data-parallel-size', '2'], lines, { env }),
      await qvl([...args, '--device', 'ort'], lines, { env }),
    ]
    expect(npu.code, npu.stderr).toBe(0)
    const vectors = ({ stdout }: { stdout: string }): number[][] =>
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).embedding)
    for (const [index, vector] of vectors(npu).entries()) {
      const expected = vectors(ort)[index]!
      expect(Math.max(...vector.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-4)
    }
  }, 60_000)
})

function rowsOf(lengths: readonly number[], next: () => number) {
  const starts = lengths.map((_, index) => lengths.slice(0, index).reduce((sum, rows) => sum + rows, 0))
  const total = lengths.reduce((sum, rows) => sum + rows, 0)
  return {
    ids: Int32Array.from({ length: total }, () => next() % 100),
    positions: Int32Array.from(lengths.flatMap((rows) => [...Array(rows).keys()])),
    spans: lengths.map((rows, index) => ({ start: starts[index]!, rows, chain: [] as number[] })),
    pooled: Int32Array.from(lengths, (rows, index) => starts[index]! + rows - 1),
  }
}

type Layout = Parameters<typeof planRuns>[0]

/** Fills the outputs of a run, as a device does. */
async function runHere(session: InferenceSession, layout: Layout, run: GearRun): Promise<void> {
  let at = 0
  const feeds: Record<string, Tensor> = {}
  for (const { name, dims } of layout.inputs) {
    feeds[name] = tensorOf(run, name, run.dims.slice(at, at + dims.length))
    at += dims.length
  }
  const results = await session.run(feeds)
  for (const [name, data] of Object.entries(run.outputs)) data.set(results[name]!.data as Float32Array)
}
