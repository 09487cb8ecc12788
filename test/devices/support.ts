// Programs of one operation, their weights, and the comparison of a device with the reference interpreter.

import { expect } from 'vitest'
import type { MemoryTensor, WeightTable } from '#qvl/checkpoint/weights.js'
import type { Device } from '#qvl/devices/device.js'
import { interpret } from '#qvl/program/interpreter.js'
import type { Program, ProgramInputs, ProgramOutputs, Span } from '#qvl/program/program.js'

/** float32 against float64 arithmetic: largest difference, relative to the largest number of the output. */
const tolerance = 1e-5

export function memoryTensor(data: Float32Array, ...shape: number[]): MemoryTensor {
  return { dtype: 'F32', shape, data }
}

export async function expectReferenceResult(
  device: Device,
  program: Program,
  weights: WeightTable,
  inputs: ProgramInputs,
): Promise<void> {
  await using loaded = await device.load(program, weights, { threads: 2 })
  expectClose(await loaded.run(inputs), await interpret(program, weights, inputs))
}

export function expectClose(outputs: ProgramOutputs, expected: ProgramOutputs): void {
  expect(Object.keys(outputs)).toEqual(Object.keys(expected))
  for (const [name, { rows, width, data }] of Object.entries(expected)) {
    expect(outputs[name]).toMatchObject({ rows, width })
    const found = outputs[name]!.data
    expect(found.length).toBe(data.length)
    const scale = data.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-30)
    const difference = data.reduce((max, value, i) => Math.max(max, Math.abs(value - found[i]!)), 0)
    expect(difference / scale, `largest relative difference of ${name}`).toBeLessThanOrEqual(tolerance)
  }
}

/** Spans of the given lengths; `chains` names the chain of those that have one. */
export function spansOf(lengths: readonly number[], chains: Record<number, readonly number[]> = {}): Span[] {
  let start = 0
  return lengths.map((rows, index) => {
    const span = { start, rows, chain: chains[index] ?? [] }
    start += rows
    return span
  })
}

export const numRows = (spans: readonly Span[]): number => spans.reduce((sum, { rows }) => sum + rows, 0)

/** A random prefix tree: each span hangs below an earlier one, or starts anew. */
export function randomSpanTree(next: () => number, count: number, maxRows: number): Span[] {
  const chains: Record<number, readonly number[]> = {}
  const lengths = Array.from({ length: count }, () => 1 + (next() % maxRows))
  for (let index = 1; index < count; index++) {
    const parent = next() % (2 * index)
    if (parent < index) chains[index] = [...(chains[parent] ?? []), parent]
  }
  return spansOf(lengths, chains)
}
