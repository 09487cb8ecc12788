// Lowers a program to an ONNX model over padded sequences, in operators that ATC compiles: no loops, no shapes that
// depend on values. Within the graph values are [sequences · rows, width]; sequences and rows differ from gear to gear.
//
// Norms, softmax and the sum of layers are float32; matrix products are in the type asked for.

import type { WeightTable } from '../../checkpoint/weights.js'
import { QvlError } from '../../errors.js'
import type { Op, Program, ProgramInput, RowsName, Value } from '../../program/program.js'
import { activate } from '../onnx/formulas.js'
import { type Lowered, lowerRows } from '../onnx/lower-rows.js'
import { elementType, int, OnnxGraph } from '../onnx/model.js'
import type { Gear, GearTraits } from './gears.js'
import type { GearDim, NpuLayout, PaddedFeed, PaddedInput, PaddedOutput } from './layout.js'
import { Masks } from './masks.js'
import { headGroups, lowerPaddedAttention } from './padded-attention.js'
import { type PlacedWeights, type Products, WeightPlaces } from './weight-places.js'

/** A program as ATC takes it, and how to feed what ATC makes of it. */
export interface PaddedProgram {
  model: Uint8Array
  weights: PlacedWeights
  layout: NpuLayout
}

export interface PaddedOptions {
  gears: readonly Gear[]
  products: Products
}

/** Throws TENSOR_MISSING or TENSOR_INVALID where the weights do not fit. No weight is read. */
export function lowerPadded(program: Program, weights: WeightTable, options: PaddedOptions): PaddedProgram {
  const lowering = new PaddedLowering(program, weights, options)
  for (const [index, op] of program.ops.entries()) lowering.lower(op, index)
  return lowering.finish()
}

/** What decides which gears a program has a use for. */
export function traitsOf({ ops, outputs }: Program): GearTraits {
  const causal = ops.every((op) => op.op !== 'attention' || op.causal)
  return {
    causal,
    poolsOne: causal || outputs.some(({ name }) => name === 'logits'),
    takesVisual: ops.some(({ op }) => op === 'scatterRows'),
    merged: ops.reduce((most, op) => (op.op === 'gatherRows' ? Math.max(most, op.count) : most), 1),
  }
}

type RowsInput = Exclude<ProgramInput, { kind: 'spans' }>

class PaddedLowering {
  readonly #graph = new OnnxGraph('qvl')
  readonly #program: Program
  readonly #options: PaddedOptions
  readonly #weights: WeightPlaces
  readonly #names = new Map<Value, string>()
  readonly #inputs = new Map<string, PaddedInput>()
  /** Derived values that several operations share. */
  readonly #shared = new Map<string, string>()
  readonly #masks: Masks
  readonly #lowered: Lowered

  constructor(program: Program, weights: WeightTable, options: PaddedOptions) {
    const graph = this.#graph
    this.#program = program
    this.#options = options
    this.#weights = new WeightPlaces(graph, weights, options.products)
    this.#masks = new Masks(graph, (name, dims, feed) => this.#integers(name, dims, feed))
    this.#lowered = {
      graph,
      name: (value) => this.#name(value),
      width: (value) => this.#width(value),
      perHead: (table) => this.#perHead(table),
      weight: (name, ...dims) => this.#weights.float32(name, dims),
    }
  }

  lower(op: Op, index: number): void {
    this.#graph.enter(`/${index}.${op.op}`)
    this.#names.set(op.out, this.#apply(op))
  }

  finish(): PaddedProgram {
    const g = this.#graph
    g.enter('/outputs')
    const outputs = this.#program.outputs.map(({ name, value }): PaddedOutput => {
      const { rows, width } = this.#program.shapes[value]!
      const output = `output.${name}`
      g.alias(this.#name(value), output)
      g.output(output, 'float32', [`${rows}.padded`, width])
      return { name, output, rows, width }
    })
    const spans = this.#program.inputs.find(({ kind }) => kind === 'spans')!.name
    const traits = traitsOf(this.#program)
    const layout: NpuLayout = {
      traits,
      spans,
      packed: traits.merged > 1 ? 'patches' : 'tokens',
      programInputs: this.#program.inputs,
      inputs: [...this.#inputs.values()],
      outputs,
      gears: this.#options.gears,
    }
    return { model: g.encodeModel(), weights: this.#weights.placed(), layout }
  }

  #apply(op: Op): string {
    const g = this.#graph
    switch (op.op) {
      case 'embed':
        return this.#embed(op)
      case 'scatterRows':
        return g.op('Where', [this.#isVisual(op.rows), this.#visual(op.rows, op.y), this.#name(op.x)])
      case 'addRows':
        return g.op('Add', [this.#name(op.x), this.#visual(op.rows, op.y)])
      case 'gatherRows':
        return this.#gather(op)
      case 'linear':
        return this.#linear(op)
      case 'attention':
        return this.#attention(op)
      case 'mean':
      case 'normalize':
        throw new QvlError('INTERNAL', { what: `A program has ${op.op}, which is not lowered for an NPU.` })
      default:
        return lowerRows(op, this.#lowered)
    }
  }

  #embed({ ids, table, out }: Extract<Op, { op: 'embed' }>): string {
    const g = this.#graph
    const stored = this.#weights.table(table, this.#width(out))
    const rows = g.op('Gather', [stored.name, this.#rowNumbers(ids)], { axis: int(0) })
    return stored.type === 'float32' ? rows : g.op('Cast', [rows], { to: int(elementType.float32) })
  }

  #linear(op: Extract<Op, { op: 'linear' }>): string {
    const g = this.#graph
    const width = this.#width(op.out)
    const weight = this.#weights.product(op.weight, [width, this.#width(op.x)])
    const product = this.#toFloat32(g.op('Gemm', [this.#toProducts(this.#name(op.x)), weight], { transB: int(1) }))
    const sum = op.bias === undefined ? product : g.op('Add', [product, this.#weights.float32(op.bias, [width])])
    return activate(g, sum, op.activation)
  }

  /** Pooled rows by their numbers; patches of a token stand side by side already. */
  #gather({ x, rows, count, out }: Extract<Op, { op: 'gatherRows' }>): string {
    const g = this.#graph
    if (count > 1) return g.op('Reshape', [this.#name(x), g.shape(-1, this.#width(out))])
    return g.op('Gather', [this.#name(x), this.#rowNumbers(rows)], { axis: int(0) })
  }

  #attention(op: Extract<Op, { op: 'attention' }>): string {
    const { heads, kvHeads, causal } = op
    const pooled = op.queryRows === undefined ? undefined : this.#input(op.queryRows).name
    const numGroups = headGroups(op, this.#options.gears)
    const mask = causal ? this.#masks.causal(heads / kvHeads, pooled) : this.#masks.lengths()
    return lowerPaddedAttention(this.#graph, op, {
      q: this.#name(op.q),
      k: this.#name(op.k),
      v: this.#name(op.v),
      queryDims: this.#dims(this.#program.shapes[op.q]!.rows),
      keyDims: this.#dims(this.#program.shapes[op.k]!.rows),
      mask,
      numGroups,
      toProducts: (value) => this.#toProducts(value),
      toFloat32: (value) => this.#toFloat32(value),
    })
  }

  /** The two dimensions of padded rows, as a shape of two numbers: it is a constant in every gear. */
  #dims(rows: RowsName): string {
    const g = this.#graph
    return this.#share(`dims of ${rows}`, () => {
      const input = this.#program.inputs.find((each): each is RowsInput => each.kind !== 'spans' && each.rows === rows)!
      const shape = g.op('Shape', [this.#declare(input)])
      return input.kind === 'i32' ? shape : g.op('Slice', [shape, g.shape(0), g.shape(2), g.shape(0)])
    })
  }

  /** The graph name of a value, [rows, width]. An input of the program becomes one of the graph when it is first read. */
  #name(value: Value): string {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const input = this.#input(value)
    const name = this.#graph.op('Reshape', [this.#declare(input), this.#graph.shape(-1, input.width)])
    this.#names.set(value, name)
    return name
  }

  /** Numbers of rows of a table, or of padded rows, in one list. */
  #rowNumbers(value: Value): string {
    const name = this.#declare(this.#input(value))
    return this.#share(`list of ${name}`, () => this.#graph.op('Reshape', [name, this.#graph.shape(-1)]))
  }

  #declare({ name, kind, rows, width }: RowsInput): string {
    if (rows === 'pooled') return this.#integers(name, ['sequences', 'pooled'], { kind: 'pooled', input: name })
    const feed: PaddedFeed = { kind: 'rows', input: name, width }
    return kind === 'i32'
      ? this.#integers(name, ['sequences', 'rows'], feed)
      : this.#floats(name, ['sequences', 'rows', width], feed)
  }

  /** For every padded row its feature, or zeros. */
  #visual(rows: Value, features: Value): string {
    const g = this.#graph
    const { name, width } = this.#input(features)
    const table = this.#floats(name, ['visual', width], { kind: 'visual', input: name, width })
    return g.op('Gather', [table, this.#visualIndex(rows)], { axis: int(0) })
  }

  #visualIndex(rows: Value): string {
    const { name } = this.#input(rows)
    const index = this.#integers('visualIndex', ['sequences', 'rows'], { kind: 'visualIndex', input: name })
    return this.#share('visual index', () => this.#graph.op('Reshape', [index, this.#graph.shape(-1)]))
  }

  /** [rows, 1]: whether a row takes a feature. */
  #isVisual(rows: Value): string {
    const g = this.#graph
    const column = g.op('Reshape', [this.#visualIndex(rows), g.shape(-1, 1)])
    return g.op('Greater', [column, g.integer(0)])
  }

  #integers(name: string, dims: readonly GearDim[], feed: PaddedFeed): string {
    return this.#graphInput({ name, type: 'int32', dims, feed })
  }

  #floats(name: string, dims: readonly (number | GearDim)[], feed: PaddedFeed): string {
    return this.#graphInput({ name, type: 'float32', dims, feed })
  }

  #graphInput(input: PaddedInput): string {
    const { name, type, dims } = input
    if (this.#inputs.has(name)) return name
    this.#inputs.set(name, input)
    return this.#graph.input(name, type, dims)
  }

  #input(value: Value): RowsInput {
    for (const input of this.#program.inputs) if (input.kind !== 'spans' && input.value === value) return input
    throw new QvlError('INTERNAL', { what: `Value ${value} of a program is read before it is computed.` })
  }

  #width(value: Value): number {
    return this.#program.shapes[value]!.width
  }

  #perHead(table: Value): string {
    const name = this.#name(table)
    return this.#share(`per head ${name}`, () =>
      this.#graph.op('Reshape', [name, this.#graph.shape(-1, 1, this.#width(table))]),
    )
  }

  /** In the type of matrix products. */
  #toProducts(value: string): string {
    const { products } = this.#options
    if (products === 'float32') return value
    return this.#share(`products of ${value}`, () =>
      this.#graph.op('Cast', [value], { to: int(elementType[products]) }),
    )
  }

  #toFloat32(value: string): string {
    if (this.#options.products === 'float32') return value
    return this.#graph.op('Cast', [value], { to: int(elementType.float32) })
  }

  #share(key: string, make: () => string): string {
    const known = this.#shared.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#shared.set(key, made)
    return made
  }
}
