import { beforeAll, describe, it } from 'vitest'
import type { WeightTable } from '#qvl/checkpoint/weights.js'
import type { Device } from '#qvl/devices/device.js'
import { openDevice } from '#qvl/devices/open-device.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import type { Activation, ProgramInputs, Value } from '#qvl/program/program.js'
import { random, randomFloats } from '../../support/random.js'
import { expectReferenceResult, memoryTensor, spansOf } from '../support.js'

interface Case {
  inputs: ProgramInputs
  weights: WeightTable
  /** Writes the operation down and gives its result. */
  wire(p: ProgramBuilder): Value
}

const next = random(11)
const floats = (rows: number, width: number, scale = 1): Float32Array =>
  randomFloats(next, rows * width).map((x) => x * scale)
const weights = (shapes: Record<string, number[]>): WeightTable =>
  new Map(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      memoryTensor(
        floats(
          shape.reduce((product, dim) => product * dim, 1),
          1,
        ),
        ...shape,
      ),
    ]),
  )

const linear = (activation: Activation, bias: boolean): Case => ({
  // Up to ±12 before the activation, where gelu and silu are curved, flat and straight.
  inputs: { x: floats(7, 10, 3) },
  weights: weights({ w: [6, 10], b: [6] }),
  wire: (p) => p.linear(p.floats('x', 'tokens', 10), 'w', 6, bias ? { bias: 'b', activation } : { activation }),
})

const written = (op: 'scatterRows' | 'addRows', rows: number[]): Case => ({
  inputs: { x: floats(6, 8), rows: Int32Array.from(rows), y: floats(rows.length, 8) },
  weights: new Map(),
  wire: (p) => p[op](p.floats('x', 'tokens', 8), p.integers('rows', 'visual'), p.floats('y', 'visual', 8)),
})

const cases: Record<string, Case> = {
  'embed, a row more than once': {
    inputs: { ids: Int32Array.of(4, 0, 4, 9, 9, 1) },
    weights: weights({ table: [10, 16] }),
    wire: (p) => p.embed(p.integers('ids', 'tokens'), 'table', 16),
  },
  scatterRows: written('scatterRows', [4, 0, 2]),
  'scatterRows with no rows': written('scatterRows', []),
  addRows: written('addRows', [5, 1]),
  'addRows with no rows': written('addRows', []),
  gatherRows: {
    inputs: { x: floats(5, 4), rows: Int32Array.of(3, 3, 0) },
    weights: new Map(),
    wire: (p) => p.gatherRows(p.floats('x', 'tokens', 4), p.integers('rows', 'pooled')),
  },
  linear: linear('none', false),
  'linear with a bias': linear('none', true),
  'linear, gelu_erf': linear('gelu_erf', true),
  'linear, gelu_tanh': linear('gelu_tanh', true),
  'linear, silu': linear('silu', false),
  'linear, tanh': linear('tanh', true),
  'linear of no rows': {
    inputs: { x: new Float32Array(0), y: floats(2, 6), rows: new Int32Array(0) },
    weights: weights({ w: [6, 10] }),
    wire: (p) =>
      p.scatterRows(
        p.floats('y', 'tokens', 6),
        p.integers('rows', 'visual'),
        p.linear(p.floats('x', 'visual', 10), 'w', 6),
      ),
  },
  rmsNorm: {
    inputs: { x: floats(5, 96, 50) },
    weights: weights({ w: [96] }),
    wire: (p) => p.rmsNorm(p.floats('x', 'tokens', 96), 'w', 1e-6),
  },
  'rmsNorm of small numbers': {
    inputs: { x: floats(5, 96, 1e-3) },
    weights: weights({ w: [96] }),
    wire: (p) => p.rmsNorm(p.floats('x', 'tokens', 96), 'w', 1e-6),
  },
  layerNorm: {
    inputs: { x: floats(5, 48, 10) },
    weights: weights({ w: [48], b: [48] }),
    wire: (p) => p.layerNorm(p.floats('x', 'tokens', 48), 'w', 'b', 1e-5),
  },
  headNorm: {
    inputs: { x: floats(5, 96) },
    weights: weights({ w: [32] }),
    wire: (p) => p.headNorm(p.floats('x', 'tokens', 96), 'w', 32, 1e-6),
  },
  rotary: {
    inputs: { x: floats(5, 3 * 72), cos: floats(5, 36), sin: floats(5, 36) },
    weights: new Map(),
    wire: (p) =>
      p.rotary(p.floats('x', 'tokens', 3 * 72), p.floats('cos', 'tokens', 36), p.floats('sin', 'tokens', 36), 72),
  },
  swiglu: {
    inputs: { gate: floats(4, 20, 6), up: floats(4, 20) },
    weights: new Map(),
    wire: (p) => p.swiglu(p.floats('gate', 'tokens', 20), p.floats('up', 'tokens', 20)),
  },
  add: {
    inputs: { a: floats(4, 20), b: floats(4, 20) },
    weights: new Map(),
    wire: (p) => p.add(p.floats('a', 'tokens', 20), p.floats('b', 'tokens', 20)),
  },
  scale: {
    inputs: { x: floats(4, 20) },
    weights: new Map(),
    wire: (p) => p.scale(p.floats('x', 'tokens', 20), -2.5),
  },
  mean: {
    inputs: { x: floats(30, 12), spans: spansOf([1, 20, 3, 6]) },
    weights: new Map(),
    wire: (p) => p.mean(p.floats('x', 'tokens', 12), p.spans('spans'), 'pooled'),
  },
  normalize: {
    inputs: { x: Float32Array.from([3, 4, 0, 0, 1e-3, -1e-3]) },
    weights: new Map(),
    wire: (p) => p.normalize(p.floats('x', 'tokens', 2)),
  },
  'an input as an output': {
    inputs: { x: floats(3, 2) },
    weights: new Map(),
    wire: (p) => p.floats('x', 'tokens', 2),
  },
}

describe('each operation on ort equals the reference', () => {
  let device: Device
  beforeAll(async () => {
    device = await openDevice('ort')
  })

  it.each(Object.entries(cases))('%s', async (_, { inputs, weights, wire }) => {
    const p = new ProgramBuilder()
    p.output('result', wire(p))
    await expectReferenceResult(device, p.build(), weights, inputs)
  })
})
