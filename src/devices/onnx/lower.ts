// Lowers a program to an ONNX model that reads its weights from the safetensors files, and says what the host feeds it.

import type { Tensor, WeightTable } from '../../checkpoint/weights.js'
import { QvlError } from '../../errors.js'
import type { Op, Program, ProgramInput, RowsName, Value } from '../../program/program.js'
import { activate, addRows, normalize, scatterRows, spanMeans } from './formulas.js'
import { Initialisers } from './initialisers.js'
import { declarePlan, lowerAttention, type PlanInputs } from './lower-attention.js'
import { type Lowered, lowerRows } from './lower-rows.js'
import { elementType, int, OnnxGraph } from './model.js'

/** A program as an ONNX model. Plain data, so that it can be posted to a worker thread. */
export interface LoweredProgram {
  model: Uint8Array
  /** The folder that the model's external data is relative to. */
  weightFolder: string | undefined
  inputs: readonly ProgramInput[]
  feeds: readonly FeedSpec[]
  /** Each is a graph output of the same name, float32 [rows, width]. */
  outputs: readonly { name: string; output: string }[]
}

/** How the host makes one graph input, or the few that belong together, from the inputs of a batch. */
export type FeedSpec =
  | { kind: 'floats'; name: string; input: string; width: number }
  /** `distinct`: rows that are written to, which must differ from each other. */
  | { kind: 'integers'; name: string; input: string; distinct: boolean }
  /** Embedding rows are gathered by the host, so that the table never enters the runtime's memory. */
  | { kind: 'embedding'; name: string; ids: string; table: Tensor; width: number }
  | {
      kind: 'attention'
      name: string
      spans: string
      queryRows?: string
      rows: RowsName
      causal: boolean
      heads: number
    }
  | { kind: 'spanEnds'; name: string; spans: string; rows: RowsName }

/** Throws TENSOR_MISSING or TENSOR_INVALID where the weights do not fit. No weight is read. */
export function lowerToOnnx(program: Program, weights: WeightTable): LoweredProgram {
  const lowering = new Lowering(program, weights)
  for (const [index, op] of program.ops.entries()) lowering.lower(op, index)
  return lowering.finish()
}

class Lowering {
  readonly #graph = new OnnxGraph('qvl')
  readonly #program: Program
  readonly #initialisers: Initialisers
  /** Graph name of each value, once it has one. */
  readonly #names = new Map<Value, string>()
  readonly #feeds = new Map<string, FeedSpec>()
  /** Derived values that several operations share, such as row numbers as a column. */
  readonly #shared = new Map<string, string>()
  readonly #plans = new Map<string, PlanInputs>()

  readonly #lowered: Lowered

  constructor(program: Program, weights: WeightTable) {
    this.#program = program
    this.#initialisers = new Initialisers(this.#graph, weights)
    this.#lowered = {
      graph: this.#graph,
      name: (value) => this.#name(value),
      width: (value) => this.#width(value),
      perHead: (table) => this.#perHead(table),
      weight: (name, ...dims) => this.#weight(name, ...dims),
    }
  }

  lower(op: Op, index: number): void {
    this.#graph.enter(`/${index}.${op.op}`)
    this.#names.set(op.out, this.#apply(op))
  }

  finish(): LoweredProgram {
    this.#graph.enter('/outputs')
    const outputs = this.#program.outputs.map(({ name, value }) => {
      const { rows, width } = this.#program.shapes[value]!
      const output = `output.${name}`
      this.#graph.alias(this.#name(value), output)
      this.#graph.output(output, 'float32', [rows, width])
      return { name, output }
    })
    const { inputs } = this.#program
    const feeds = [...this.#feeds.values()]
    return { model: this.#graph.encodeModel(), weightFolder: this.#initialisers.folder, inputs, feeds, outputs }
  }

  #apply(op: Op): string {
    const g = this.#graph
    switch (op.op) {
      case 'embed':
        return this.#embedding(op.ids, op.table, op.out)
      case 'scatterRows':
        return scatterRows(g, this.#name(op.x), this.#writtenRows(op.rows), this.#name(op.y))
      case 'addRows': {
        const rows = { list: this.#name(op.rows), column: this.#writtenRows(op.rows) }
        return addRows(g, this.#name(op.x), rows, this.#name(op.y))
      }
      case 'gatherRows':
        return this.#gather(op)
      case 'linear': {
        const weight = this.#weight(op.weight, this.#width(op.out), this.#width(op.x))
        const bias = op.bias === undefined ? [] : [this.#weight(op.bias, this.#width(op.out))]
        const product = g.op('Gemm', [this.#name(op.x), weight, ...bias], { transB: int(1) })
        return activate(g, product, op.activation)
      }
      case 'attention': {
        const [q, k, v] = [this.#name(op.q), this.#name(op.k), this.#name(op.v)]
        return lowerAttention(g, op, { q, k, v, plan: this.#plan(op) })
      }
      case 'mean':
        return spanMeans(g, this.#name(op.x), this.#spanEnds(op.spans, op.x), this.#width(op.x))
      case 'normalize':
        return normalize(g, this.#name(op.x))
      default:
        return lowerRows(op, this.#lowered)
    }
  }

  /** With a count, each row number becomes as many, and what they name stands side by side. */
  #gather({ x, rows, count, out }: Extract<Op, { op: 'gatherRows' }>): string {
    const g = this.#graph
    const name = this.#name(rows)
    if (count === 1) return g.op('Gather', [this.#name(x), name], { axis: int(0) })
    const first = g.op('Reshape', [g.op('Cast', [name], { to: int(elementType.int64) }), g.shape(-1, 1)])
    const all = g.op('Add', [first, g.shape(...Array(count).keys())])
    const taken = g.op('Gather', [this.#name(x), all], { axis: int(0) })
    return g.op('Reshape', [taken, g.shape(-1, this.#width(out))])
  }

  /** The graph name of a value. An input of the program becomes one of the graph when it is first read. */
  #name(value: Value): string {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const input = this.#input(value)
    const name = `input.${input.name}`
    if (input.kind === 'f32') {
      this.#graph.input(name, 'float32', [input.rows, input.width])
      this.#feeds.set(name, { kind: 'floats', name, input: input.name, width: input.width })
    } else {
      this.#graph.input(name, 'int32', [input.rows])
      this.#feeds.set(name, { kind: 'integers', name, input: input.name, distinct: false })
    }
    this.#names.set(value, name)
    return name
  }

  #input(value: Value): Exclude<ProgramInput, { kind: 'spans' }> {
    for (const input of this.#program.inputs) if (input.kind !== 'spans' && input.value === value) return input
    throw new QvlError('INTERNAL', { what: `Value ${value} of a program is read before it is computed.` })
  }

  #width(value: Value): number {
    return this.#program.shapes[value]!.width
  }

  #weight(name: string, ...dims: number[]): string {
    return this.#initialisers.float32(name, dims)
  }

  #embedding(ids: Value, table: string, out: Value): string {
    const name = `embedding.${table}.${ids}`
    if (this.#feeds.has(name)) return name
    const { rows, width } = this.#program.shapes[out]!
    const tensor = this.#initialisers.table(table, width)
    this.#graph.input(name, 'float32', [rows, width])
    this.#feeds.set(name, { kind: 'embedding', name, ids: this.#input(ids).name, table: tensor, width })
    return name
  }

  /** Row numbers as ScatterND wants them: int64, [rows, 1]. */
  #writtenRows(rows: Value): string {
    const list = this.#name(rows)
    this.#feeds.set(list, { kind: 'integers', name: list, input: this.#input(rows).name, distinct: true })
    return this.#share(`column of ${list}`, () => {
      const wide = this.#graph.op('Cast', [list], { to: int(elementType.int64) })
      return this.#graph.op('Reshape', [wide, this.#graph.shape(-1, 1)])
    })
  }

  /** A rotary table [rows, headDim/2] as [rows, 1, headDim/2], the same for every head. */
  #perHead(table: Value): string {
    const name = this.#name(table)
    return this.#share(`per head ${name}`, () =>
      this.#graph.op('Reshape', [name, this.#graph.shape(0, 1, this.#width(table))]),
    )
  }

  /** Attention operations over the same spans and the same queries share one plan. */
  #plan(op: Extract<Op, { op: 'attention' }>): PlanInputs {
    const { spans, causal, heads } = op
    const queryRows = op.queryRows === undefined ? undefined : this.#input(op.queryRows).name
    const name = `attention.${spans}.${queryRows ?? 'all'}.${causal ? 'causal' : 'both'}.${heads}`
    const known = this.#plans.get(name)
    if (known !== undefined) return known
    const { rows } = this.#program.shapes[op.k]!
    this.#feeds.set(name, { kind: 'attention', name, spans, ...(queryRows && { queryRows }), rows, causal, heads })
    const plan = declarePlan(this.#graph, name)
    this.#plans.set(name, plan)
    return plan
  }

  #spanEnds(spans: string, x: Value): { from: string; to: string } {
    const name = `spans.${spans}`
    const ends = { from: `${name}.from`, to: `${name}.to` }
    if (this.#feeds.has(name)) return ends
    this.#feeds.set(name, { kind: 'spanEnds', name, spans, rows: this.#program.shapes[x]!.rows })
    this.#graph.input(ends.from, 'int32', [`${name}.count`, 1])
    this.#graph.input(ends.to, 'int32', [`${name}.count`, 1])
    return ends
  }

  #share(key: string, make: () => string): string {
    const known = this.#shared.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#shared.set(key, made)
    return made
  }
}
