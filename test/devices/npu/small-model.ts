// A small ONNX model for the addon's tests, compiled by the stand-in for atc, and its right answers.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { NpuAddon, NpuModel, NpuRun, NpuRunReport } from '#qvl/devices/npu/native.js'
import { type ElementType, OnnxGraph } from '#qvl/devices/onnx/model.js'
import type { SoftwareAscend } from '../../npu/software.js'

/** `QVL_TEST_NPU_ADDON` names another build, such as one with a sanitizer. */
export const addonFile =
  process.env.QVL_TEST_NPU_ADDON ?? fileURLToPath(new URL('../../../build/qvl_npu.node', import.meta.url))
export const loadAddon = (): NpuAddon => createRequire(import.meta.url)(addonFile)

export const width = 4
/** [B, S] */
export const gears = [
  [1, 8],
  [2, 8],
  [2, 32],
] as const

/** `out` [B, width] is the sum of `x` [B, S, width] over S, plus `shift` [B]; `twice` [B, S] is 2 * `ids`. */
export function writeModel(folder: string, name = 'model'): string {
  const graph = new OnnxGraph('small')
  const ids = graph.input('ids', 'int64', ['B', 'S'])
  const x = graph.input('x', 'float32', ['B', 'S', width])
  const shift = graph.input('shift', 'float32', ['B'])
  const sum = graph.op('ReduceSum', [x, graph.shape(1)], { keepdims: { kind: 'int', value: 0 } })
  graph.alias(graph.op('Add', [sum, graph.op('Unsqueeze', [shift, graph.shape(1)])]), 'out')
  graph.alias(graph.op('Add', [ids, ids]), 'twice')
  graph.output('out', 'float32', ['B', width])
  graph.output('twice', 'int64', ['B', 'S'])
  const file = join(folder, `${name}.onnx`)
  writeFileSync(file, graph.encodeModel())
  return file
}

/** Adds 1 to `x` [3] of one type, in a model of one shape. */
export function writeStaticModel(folder: string, type: ElementType): string {
  const graph = new OnnxGraph('static')
  const x = graph.input('x', type, [3])
  graph.alias(graph.op('Identity', [x]), 'out')
  graph.output('out', type, [3])
  const file = join(folder, `static-${type}.onnx`)
  writeFileSync(file, graph.encodeModel())
  return file
}

export function runAtc(software: SoftwareAscend, args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [software.atc, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...software.environment, ...env },
  })
}

export const atcArguments = (onnx: string, output: string): string[] => [
  '--framework=5',
  `--model=${onnx}`,
  `--output=${output}`,
  '--soc_version=Ascend910B4',
  '--precision_mode_v2=origin',
]
export const gearArguments = (): string[] => [
  '--input_format=ND',
  `--input_shape=ids:-1,-1;x:-1,-1,${width};shift:-1`,
  `--dynamic_dims=${gears.map(([b, s]) => [b, s, b, s, b].join(',')).join(';')}`,
]

/** The compiled model. */
export function compile(software: SoftwareAscend, onnx: string, args: readonly string[]): string {
  const output = onnx.replace(/\.onnx$/, '')
  const { status, stdout, stderr } = runAtc(software, [...atcArguments(onnx, output), ...args])
  expect(status, `${stdout}\n${stderr}`).toBe(0)
  return `${output}.om`
}
export const compileSmall = (software: SoftwareAscend, name?: string): string =>
  compile(software, writeModel(software.folder, name), gearArguments())

/** Inputs and room for the outputs, by the number of a gear; `seed` makes runs differ. */
export function runOf(gear: number, seed = 1) {
  const [batch, length] = gears[gear]!
  const inputs = {
    ids: BigInt64Array.from({ length: batch * length }, (_, i) => BigInt(i * seed)),
    x: Float32Array.from({ length: batch * length * width }, (_, i) => ((i * 7 + seed) % 13) - 6),
    shift: Float32Array.from({ length: batch }, (_, i) => seed + i),
  }
  const outputs = { out: new Float32Array(batch * width), twice: new BigInt64Array(batch * length) }
  const dims = [batch, length, batch, length, width, batch]
  return { gear: dims, inputs, outputs, timeoutMs: 10_000 } satisfies NpuRun
}
export type SmallRun = ReturnType<typeof runOf>

/** Small whole numbers, so sums are exact. */
export function checkRun(run: SmallRun, gear: number, seed = 1): void {
  const { inputs } = runOf(gear, seed)
  const [batch, length] = gears[gear]!
  const expected = Float32Array.from({ length: batch * width }, (_, at) => {
    const [b, column] = [Math.floor(at / width), at % width]
    let sum = inputs.shift[b]!
    for (let s = 0; s < length; s++) sum += inputs.x[(b * length + s) * width + column]!
    return sum
  })
  expect(run.outputs.out).toEqual(expected)
  expect(run.outputs.twice).toEqual(inputs.ids.map((id) => 2n * id))
}

/** Runs a gear and checks its numbers. */
export async function runChecked(model: NpuModel, gear: number, seed = 1): Promise<NpuRunReport> {
  const run = runOf(gear, seed)
  const report = await model.run(run)
  checkRun(run, gear, seed)
  return report
}
