// The reference interpreter: runs a program in float64 with plain loops. Slow, and the oracle for every device.

import type { WeightTable } from '../checkpoint/weights.js'
import { readTensorFloat32 } from '../checkpoint/weights.js'
import { QvlError } from '../errors.js'
import { attend } from './interpreter-attention.js'
import {
  activate,
  layerNorm,
  linear,
  type Matrix,
  map,
  mean,
  normalize,
  placeRows,
  rmsNorm,
  rotary,
  takeRows,
  zip,
} from './interpreter-math.js'
import type { Op, Program, ProgramInputs, ProgramOutputs, Span, Value } from './program.js'
import { refuseKept } from './spans.js'

/** Run one batch. `weights` are read once per tensor and kept in `cache` across calls when one is given. */
export async function interpret(
  program: Program,
  weights: WeightTable,
  inputs: ProgramInputs,
  cache: Map<string, Float32Array> = new Map(),
): Promise<ProgramOutputs> {
  await readWeights(program, weights, cache)
  const run = new Run(program, inputs, cache)
  for (const op of program.ops) run.set(op.out, run.apply(op))
  return Object.fromEntries(
    program.outputs.map(({ name, value }) => {
      const { rows, width, data } = run.get(value)
      return [name, { rows, width, data: Float32Array.from(data) }]
    }),
  )
}

class Run {
  readonly #values: (Matrix | undefined)[]
  readonly #inputs: ProgramInputs
  readonly #weights: ReadonlyMap<string, Float32Array>
  readonly #program: Program

  constructor(program: Program, inputs: ProgramInputs, weights: ReadonlyMap<string, Float32Array>) {
    this.#program = program
    this.#inputs = inputs
    this.#weights = weights
    this.#values = new Array(program.shapes.length)
    for (const input of program.inputs) {
      if (input.kind === 'spans') continue
      const data = Float64Array.from(this.#array(input.name))
      this.#values[input.value] = { rows: data.length / input.width, width: input.width, data }
    }
  }

  get(value: Value): Matrix {
    const matrix = this.#values[value]
    if (matrix === undefined) throw new QvlError('INTERNAL', { what: `Value ${value} is read before it is computed.` })
    return matrix
  }

  set(value: Value, matrix: Matrix): void {
    this.#values[value] = matrix
  }

  apply(op: Op): Matrix {
    switch (op.op) {
      case 'embed':
        return takeRows(this.#weights.get(op.table)!, this.#width(op.out), this.get(op.ids).data)
      case 'scatterRows':
        return placeRows(this.get(op.x), this.get(op.rows).data, this.get(op.y), (_, y) => y)
      case 'addRows':
        return placeRows(this.get(op.x), this.get(op.rows).data, this.get(op.y), (x, y) => x + y)
      case 'gatherRows':
        return takeRows(this.get(op.x).data, this.#width(op.x), this.get(op.rows).data, op.count)
      case 'linear':
        return linear(
          this.get(op.x),
          this.#weight(op.weight),
          this.#weight(op.bias),
          this.#width(op.out),
          op.activation,
        )
      case 'rmsNorm':
        return rmsNorm(this.get(op.x), this.#weight(op.weight)!, this.#width(op.x), op.eps)
      case 'headNorm':
        return rmsNorm(this.get(op.x), this.#weight(op.weight)!, op.headDim, op.eps)
      case 'layerNorm':
        return layerNorm(this.get(op.x), this.#weight(op.weight)!, this.#weight(op.bias)!, op.eps)
      case 'rotary':
        return rotary(this.get(op.x), this.get(op.cos), this.get(op.sin), op.headDim)
      case 'attention': {
        const queryRows = op.queryRows === undefined ? undefined : this.get(op.queryRows).data
        return attend(op, this.get(op.q), this.get(op.k), this.get(op.v), this.#spans(op.spans), queryRows)
      }
      case 'swiglu':
        return zip(this.get(op.gate), this.get(op.up), (gate, up) => activate.silu(gate) * up)
      case 'add':
        return zip(this.get(op.a), this.get(op.b), (a, b) => a + b)
      case 'scale':
        return map(this.get(op.x), (x) => x * op.factor)
      case 'mean':
        refuseKept(this.#spans(op.spans))
        return mean(this.get(op.x), this.#spans(op.spans))
      case 'normalize':
        return normalize(this.get(op.x))
      default:
        return op satisfies never
    }
  }

  #width(value: Value): number {
    return this.#program.shapes[value]!.width
  }

  #weight(name: string | undefined): Float32Array | undefined {
    return name === undefined ? undefined : this.#weights.get(name)
  }

  #array(name: string): Float32Array | Int32Array {
    const input = this.#inputs[name]
    if (input instanceof Float32Array || input instanceof Int32Array) return input
    throw new QvlError('INTERNAL', { what: `The batch lacks the input ${name}.` })
  }

  #spans(name: string): readonly Span[] {
    const input = this.#inputs[name]
    if (Array.isArray(input)) return input
    throw new QvlError('INTERNAL', { what: `The batch lacks the spans ${name}.` })
  }
}

async function readWeights(program: Program, weights: WeightTable, cache: Map<string, Float32Array>): Promise<void> {
  for (const name of weightNames(program)) {
    if (cache.has(name)) continue
    const tensor = weights.get(name)
    if (tensor === undefined) {
      throw new QvlError('TENSOR_MISSING', { what: `The checkpoint has no tensor ${name}.`, param: name })
    }
    cache.set(name, await readTensorFloat32(tensor))
  }
}

/** Names of all weights a program reads. */
export function weightNames(program: Program): Set<string> {
  const names = new Set<string>()
  for (const op of program.ops) {
    if (op.op === 'embed') names.add(op.table)
    if ('weight' in op) names.add(op.weight)
    if ('bias' in op && op.bias !== undefined) names.add(op.bias)
  }
  return names
}
