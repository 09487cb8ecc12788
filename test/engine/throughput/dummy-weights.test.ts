// Weights made from shapes alone.

import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectShape, findNonFinite, readTensorFloat32, type WeightTable } from '#qvl/checkpoint/weights.js'
import { makeDummyWeights } from '#qvl/engine/throughput/dummy-weights.js'

/** The largest is longer than the numbers that are made, so that they have to repeat. */
const shapes = new Map<string, readonly number[]>([
  ['table.weight', [1500, 700]],
  ['a.weight', [64, 32]],
  ['b.weight', [64, 32]],
  ['b.bias', [64]],
  ['norm.weight', [32]],
  ['wide.norm.weight', [100]],
])

let folder = ''
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-dummy-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function make(seed: number): Promise<WeightTable> {
  const own = path.join(folder, String(count++))
  await mkdir(own)
  return makeDummyWeights(shapes, { folder: own, seed })
}

const numbers = async (table: WeightTable, name: string): Promise<number[]> => [
  ...(await readTensorFloat32(table.get(name)!)),
]

describe('makeDummyWeights', () => {
  it('gives every tensor its shape, out of one file hardly larger than the largest tensor', async () => {
    const table = await make(1)
    for (const [name, shape] of shapes) expectShape(table, name, shape)
    const files = new Set([...table.values()].map((tensor) => ('file' in tensor ? tensor.file : '')))
    expect(files.size).toBe(1)
    const { size } = await stat([...files][0]!)
    expect(size).toBeGreaterThanOrEqual(2 * 1500 * 700)
    expect(size).toBeLessThan(2 * 1500 * 700 + 1000)
    expect(await findNonFinite(table)).toBeUndefined()
  })

  it('makes norms of ones and the rest of small normal numbers', async () => {
    const table = await make(1)
    expect(new Set(await numbers(table, 'norm.weight'))).toEqual(new Set([1]))
    expect(new Set(await numbers(table, 'wide.norm.weight'))).toEqual(new Set([1]))
    const values = await numbers(table, 'table.weight')
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length)
    expect(Math.abs(mean)).toBeLessThan(1e-3)
    expect(deviation).toBeGreaterThan(0.0195)
    expect(deviation).toBeLessThan(0.0205)
    expect(Math.max(...(await numbers(table, 'b.bias')).map(Math.abs))).toBeLessThan(0.2)
  })

  it('gives different tensors different numbers', async () => {
    const table = await make(1)
    expect(await numbers(table, 'a.weight')).not.toEqual(await numbers(table, 'b.weight'))
  })

  it('gives the same numbers for the same seed only', async () => {
    const [first, same, other] = [await make(1), await make(1), await make(2)]
    expect(await numbers(same, 'a.weight')).toEqual(await numbers(first, 'a.weight'))
    expect(await numbers(other, 'a.weight')).not.toEqual(await numbers(first, 'a.weight'))
  })
})
