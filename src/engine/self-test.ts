// A small model with made-up weights, computed on a device and by the reference interpreter: whether the device computes right.

import type { DecoderConfig } from '../checkpoint/config-decoder.js'
import type { WeightTable } from '../checkpoint/weights.js'
import type { Device, DeviceName, LoadOptions } from '../devices/device.js'
import { openDevice } from '../devices/open-device.js'
import type { Model } from '../models/model.js'
import { qwen3, qwen3WeightShapes } from '../models/qwen3.js'
import { interpret } from '../program/interpreter.js'
import type { ProgramInputs } from '../program/program.js'
import { normalNumbers, randomIntegers } from './throughput/random.js'

export interface SelfTestResult {
  /** Of all numbers of the output with those of the reference. */
  cosine: number
  largestDifference: number
  passed: boolean
  seconds: number
}

/** Every operation of a decoder, at sizes that are done in milliseconds. */
const config: DecoderConfig = {
  hidden: 64,
  intermediate: 128,
  numLayers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 16,
  vocabSize: 256,
  maxPositions: 128,
  ropeTheta: 10_000,
  rmsEps: 1e-6,
  tiedEmbeddings: true,
  padTokenId: undefined,
  eosTokenId: undefined,
}

/** Lengths of the sequences. */
const lengths = [5, 48, 17]

const seed = 8

/** Outputs are near 1. float16 and bfloat16 products keep three digits, float32 six. */
const smallestCosine = 0.999

/** Throws what opening, loading and running throws. */
export async function selfTest(name: DeviceName, options: LoadOptions = {}): Promise<SelfTestResult> {
  const started = performance.now()
  const model = testModel()
  const inputs = testInputs(model)
  const device = await openDevice(name)
  const found = await hiddenOn(device, model, { inputs, options })
  const { hidden } = await interpret(model.program, model.weights, inputs)
  const expected = hidden!.data
  const cosine = cosineOf(found, expected)
  const largestDifference = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0)
  const seconds = (performance.now() - started) / 1000
  return { cosine, largestDifference, passed: cosine >= smallestCosine, seconds }
}

async function hiddenOn(
  device: Device,
  { program, weights }: Model,
  { inputs, options }: { inputs: ProgramInputs; options: LoadOptions },
): Promise<Float32Array> {
  try {
    await using loaded = await device.load(program, weights, options)
    const { hidden } = await loaded.run(inputs)
    return hidden!.data
  } finally {
    await device.close?.()
  }
}

function testModel(): Model {
  const next = normalNumbers(seed)
  const weights: WeightTable = new Map(
    [...qwen3WeightShapes(config)].map(([name, shape]) => {
      const isNorm = shape.length === 1
      const count = shape.reduce((product, axis) => product * axis, 1)
      // Weights of the size at which every layer changes its input about as much as trained ones do.
      const scale = isNorm ? 0 : 1 / Math.sqrt(shape.at(-1)!)
      const data = Float32Array.from({ length: count }, () => (isNorm ? 1 : 0) + scale * next())
      return [name, { dtype: 'F32' as const, shape, data }]
    }),
  )
  return qwen3(config, weights)
}

function testInputs(model: Model): ProgramInputs {
  const next = randomIntegers(seed)
  const starts = lengths.map((_, index) => lengths.slice(0, index).reduce((sum, rows) => sum + rows, 0))
  return model.inputs({
    ids: Int32Array.from({ length: starts.at(-1)! + lengths.at(-1)! }, () => next() % config.vocabSize),
    positions: Int32Array.from(lengths.flatMap((rows) => Array.from({ length: rows }, (_, position) => position))),
    spans: lengths.map((rows, index) => ({ start: starts[index]!, rows, chain: [] })),
    pooled: Int32Array.from(lengths, (rows, index) => starts[index]! + rows - 1),
  })
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  return a.length === b.length ? dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) : 0
}
