// The built addon for tests, small programs to run on it, and the reference's answer to the same.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import type { WeightTable } from '#qvl/checkpoint/weights.js'
import type { FlatSpans, Format, Handle, NativeCpu, NativeInputs, Plan } from '#qvl/devices/cpu/native.js'
import { makePlan } from '#qvl/devices/cpu/plan.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import { interpret } from '#qvl/program/interpreter.js'
import type { Program, ProgramInputs, Span, Value } from '#qvl/program/program.js'
import { random, randomFloats } from '../../support/random.js'

/** `QVL_TEST_CPU_ADDON` names another build, such as one with a sanitizer. */
const file = process.env.QVL_TEST_CPU_ADDON ?? fileURLToPath(new URL('../../../build/qvl_cpu.node', import.meta.url))

export const isBuilt = existsSync(file)

/** A group of tests that is skipped, and says why, where the addon was not built. */
export function describeNative(name: string, body: () => void): void {
  describe.skipIf(!isBuilt)(isBuilt ? name : `${name} (skipped: build/qvl_cpu.node was not built)`, body)
}

export const addonFile = file
export const loadNative = (): NativeCpu => createRequire(import.meta.url)(file)

const next = random(20260107)
export const floats = (count: number): Float32Array => randomFloats(next, count)
/** Small enough that products of rows below 1 stay below 1. */
export function tensor(...shape: number[]): { dtype: 'F32'; shape: number[]; data: Float32Array } {
  const scale = 1 / Math.sqrt(shape.at(-1)!)
  return { dtype: 'F32', shape, data: floats(shape.reduce((a, b) => a * b)).map((value) => value * scale) }
}

export const flatSpans = (spans: readonly Span[]): FlatSpans => {
  const chainOffsets = [0]
  for (const { chain } of spans) chainOffsets.push(chainOffsets.at(-1)! + chain.length)
  return {
    starts: Int32Array.from(spans, ({ start }) => start),
    rows: Int32Array.from(spans, ({ rows }) => rows),
    chainOffsets: Int32Array.from(chainOffsets),
    chains: Int32Array.from(spans.flatMap(({ chain }) => chain)),
    keep: Float64Array.from(spans, ({ keep }) => keep ?? -1),
    kept: Float64Array.from(spans, ({ kept }) => kept ?? -1),
  }
}

export const nativeInputs = (inputs: ProgramInputs): NativeInputs =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      input instanceof Float32Array || input instanceof Int32Array ? input : flatSpans(input),
    ]),
  )

/** A program with one input `x` [tokens, width] and one output. */
export function programOf(width: number, wire: (p: ProgramBuilder, x: Value) => Value): Program {
  const p = new ProgramBuilder()
  p.output('out', wire(p, p.floats('x', 'tokens', width)))
  return p.build()
}

export interface Job {
  program: Program
  weights: WeightTable
  inputs: ProgramInputs
}

export async function expected({ program, weights, inputs }: Job): Promise<Float32Array> {
  return (await interpret(program, weights, inputs)).out!.data
}

/** The addon's answer with each number of threads. */
export async function computed(
  native: NativeCpu,
  { program, weights, inputs }: Job,
  products: Format,
  numThreads: readonly number[],
): Promise<Float32Array[]> {
  const plan = makePlan(program, weights, { products })
  return Promise.all(numThreads.map((threads) => runOnce(native, plan, inputs, threads)))
}

async function runOnce(native: NativeCpu, plan: Plan, inputs: ProgramInputs, threads: number): Promise<Float32Array> {
  const handle: Handle = await native.load(plan, { threads })
  try {
    return (await native.run(handle, nativeInputs(inputs))).out!.data
  } finally {
    native.close(handle)
  }
}
