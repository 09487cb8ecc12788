// From a program to the fused steps of the native executor, with a storage format for every value.

import type { WeightTable } from '../../checkpoint/weights.js'
import { QvlError } from '../../errors.js'
import type { Op, Program, RowsName, Value } from '../../program/program.js'
import { chooseFormats } from './formats.js'
import { type Fusions, findFusions } from './fusions.js'
import type { Format, Plan, PlanInput, PlanValue, PlanWeight, Step, ValueIndex, WeightIndex } from './native.js'

export interface PlanOptions {
  /** Format of matrix products. */
  products: Format
  /** With products in i8: the weights whose products stay in bf16. */
  keepBf16?: ReadonlySet<string>
}

export function makePlan(program: Program, weights: WeightTable, options: PlanOptions): Plan {
  return new Planner(program, weights, options).plan()
}

class Planner {
  readonly #program: Program
  readonly #weightTable: WeightTable
  readonly #options: PlanOptions
  readonly #fusions: Fusions
  readonly #formats: ReadonlyMap<Value, Format>
  readonly #rowNames: RowsName[] = []
  readonly #values: PlanValue[] = []
  readonly #steps: Step[] = []
  readonly #weights: PlanWeight[] = []
  readonly #weightNumbers = new Map<string, WeightIndex>()
  /** Every form a program value has been given so far. */
  readonly #forms = new Map<Value, Map<Format, ValueIndex>>()

  constructor(program: Program, weights: WeightTable, options: PlanOptions) {
    this.#program = program
    this.#weightTable = weights
    this.#options = options
    this.#fusions = findFusions(program)
    this.#formats = chooseFormats(program, this.#fusions, {
      linearInput: (weight) => this.#product(weight),
      attentionInput: this.#activations,
    })
  }

  plan(): Plan {
    const inputs = this.#program.inputs.map((input): PlanInput => {
      if (input.kind === 'spans') return { name: input.name, kind: 'spans', rows: this.#spanRows(input.name) }
      return { name: input.name, kind: input.kind, value: this.#newValue(input.value, 'f32') }
    })
    for (const op of this.#program.ops) if (!this.#fusions.absorbed.has(op)) this.#step(op)
    const outputs = this.#program.outputs.map(({ name, value }) => ({ name, value: this.#read(value, 'f32') }))
    for (const { value } of outputs) this.#values[value]!.lastUse = this.#steps.length
    return {
      rowNames: this.#rowNames,
      values: this.#values,
      steps: this.#steps,
      weights: this.#weights,
      inputs,
      outputs,
    }
  }

  #step(op: Op): void {
    switch (op.op) {
      case 'embed':
        this.#push({ kind: 'embed', ids: this.#read(op.ids), table: this.#table(op.table), out: this.#out(op) })
        break
      case 'rmsNorm':
      case 'layerNorm':
        this.#norm(op)
        break
      case 'linear':
        this.#linear(op, op)
        break
      case 'add':
        this.#add(op)
        break
      case 'swiglu':
        this.#swiglu(op)
        break
      case 'headNorm':
      case 'rotary':
        this.#headRotary(op)
        break
      case 'attention':
        this.#attention(op)
        break
      case 'gatherRows': {
        const x = this.#read(op.x, this.#formats.get(op.out))
        this.#push({ kind: 'gatherRows', x, rows: this.#read(op.rows), out: this.#out(op) })
        break
      }
      case 'scatterRows':
      case 'addRows': {
        const [x, rows, y] = [this.#read(op.x), this.#read(op.rows), this.#read(op.y)]
        this.#push({ kind: op.op, x, rows, y, out: this.#out(op) })
        break
      }
      case 'scale':
        this.#push({ kind: 'scale', x: this.#read(op.x), factor: op.factor, out: this.#out(op) })
        break
      case 'mean':
        this.#push({ kind: 'mean', x: this.#read(op.x), spans: op.spans, out: this.#out(op) })
        break
      case 'normalize':
        this.#push({ kind: 'normalize', x: this.#read(op.x), out: this.#out(op) })
        break
      default:
        op satisfies never
    }
  }

  #norm(op: Extract<Op, { op: 'rmsNorm' | 'layerNorm' }>): void {
    const bias = op.op === 'layerNorm' ? { bias: this.#vector(op.bias) } : {}
    const norm = op.op === 'rmsNorm' ? 'rms' : 'layer'
    const weight = this.#vector(op.weight)
    this.#push({ kind: 'norm', norm, x: this.#read(op.x), weight, ...bias, eps: op.eps, out: this.#out(op) })
  }

  /** `finish` is the linear itself, or the add that it ends in. */
  #linear(op: Extract<Op, { op: 'linear' }>, finish: Op, residual?: Value): void {
    this.#push({
      kind: 'linear',
      x: this.#read(op.x, this.#product(op.weight)),
      weight: this.#matrix(op.weight),
      ...(op.bias === undefined ? {} : { bias: this.#vector(op.bias) }),
      activation: op.activation,
      ...(residual === undefined ? {} : { residual: this.#read(residual) }),
      out: this.#out(finish),
    })
  }

  #add(op: Extract<Op, { op: 'add' }>): void {
    const linear = this.#fusions.residual.get(op)
    if (linear === undefined) this.#push({ kind: 'add', a: this.#read(op.a), b: this.#read(op.b), out: this.#out(op) })
    else this.#linear(linear, op, linear.out === op.b ? op.a : op.b)
  }

  #swiglu(op: Extract<Op, { op: 'swiglu' }>): void {
    const pair = this.#fusions.gateUp.get(op)
    if (pair === undefined) {
      this.#push({ kind: 'swiglu', gate: this.#read(op.gate), up: this.#read(op.up), out: this.#out(op) })
      return
    }
    const x = this.#read(pair.gate.x, this.#product(pair.gate.weight))
    const [gate, up] = [this.#matrix(pair.gate.weight), this.#matrix(pair.up.weight)]
    this.#push({ kind: 'swigluLinear', x, gate, up, out: this.#out(op) })
  }

  #headRotary(op: Extract<Op, { op: 'headNorm' | 'rotary' }>): void {
    const norm = op.op === 'headNorm' ? op : this.#fusions.headNorm.get(op)
    this.#push({
      kind: 'headRotary',
      x: this.#read(norm?.x ?? op.x),
      ...(norm === undefined ? {} : { weight: this.#vector(norm.weight) }),
      eps: norm?.eps ?? 0,
      ...(op.op === 'rotary' ? { cos: this.#read(op.cos), sin: this.#read(op.sin) } : {}),
      headDim: op.headDim,
      out: this.#out(op),
    })
  }

  #attention(op: Extract<Op, { op: 'attention' }>): void {
    const { spans, heads, kvHeads, headDim, causal, scale } = op
    const [q, k, v] = [op.q, op.k, op.v].map((value) => this.#read(value, this.#activations))
    const queryRows = op.queryRows === undefined ? {} : { queryRows: this.#read(op.queryRows) }
    const shape = { spans, ...queryRows, heads, kvHeads, headDim, causal, scale }
    this.#push({ kind: 'attention', q: q!, k: k!, v: v!, ...shape, out: this.#out(op) })
  }

  #push(step: Step): void {
    for (const index of valuesRead(step)) this.#values[index]!.lastUse = this.#steps.length
    this.#steps.push(step)
  }

  /** A value in the wanted form; a convert step makes it where its producer did not. */
  #read(value: Value, format: Format = 'f32'): ValueIndex {
    const forms = this.#forms.get(value)
    if (forms === undefined) throw new QvlError('INTERNAL', { what: `Value ${value} is read before it is computed.` })
    let index = forms.get(format)
    if (index === undefined) {
      const x = [...forms.values()][0]!
      index = this.#newValue(value, format)
      this.#push({ kind: 'convert', x, out: index })
    }
    return index
  }

  #out(op: Op): ValueIndex {
    return this.#newValue(op.out, this.#formats.get(op.out) ?? 'f32')
  }

  #newValue(value: Value, format: Format): ValueIndex {
    const { rows, width } = this.#program.shapes[value]!
    const index = this.#values.push({ rows: this.#rowsIndex(rows), width, format, lastUse: this.#steps.length }) - 1
    const forms = this.#forms.get(value)
    if (forms === undefined) this.#forms.set(value, new Map([[format, index]]))
    else forms.set(format, index)
    return index
  }

  #rowsIndex(name: RowsName): number {
    const index = this.#rowNames.indexOf(name)
    return index === -1 ? this.#rowNames.push(name) - 1 : index
  }

  /** Spans count the rows of what they pool, or lie over the tokens. */
  #spanRows(name: string): number {
    const mean = this.#program.ops.find((op) => op.op === 'mean' && op.spans === name)
    return mean === undefined ? -1 : this.#rowsIndex(this.#program.shapes[mean.out]!.rows)
  }

  /** What values between matrix products are stored in. */
  get #activations(): Format {
    return this.#options.products === 'f32' ? 'f32' : 'bf16'
  }

  #product(weight: string): Format {
    return this.#options.keepBf16?.has(weight) ? 'bf16' : this.#options.products
  }

  #matrix = (name: string): WeightIndex => this.#weight(name, 'linear', this.#product(name))
  #vector = (name: string): WeightIndex => this.#weight(name, 'vector', 'f32')
  #table = (name: string): WeightIndex => this.#weight(name, 'table', 'f32')

  #weight(name: string, kind: PlanWeight['kind'], format: Format): WeightIndex {
    const known = this.#weightNumbers.get(name)
    if (known !== undefined) return known
    const tensor = this.#weightTable.get(name)
    if (tensor === undefined) {
      throw new QvlError('TENSOR_MISSING', { what: `The checkpoint has no tensor ${name}.`, param: name })
    }
    const { shape } = tensor
    const source =
      'file' in tensor ? { file: tensor.file, offset: tensor.offset, dtype: tensor.dtype } : { data: tensor.data }
    const index = this.#weights.push({ name, kind, format, shape, source }) - 1
    this.#weightNumbers.set(name, index)
    return index
  }
}

function valuesRead(step: Step): ValueIndex[] {
  switch (step.kind) {
    case 'embed':
      return [step.ids]
    case 'linear':
      return step.residual === undefined ? [step.x] : [step.x, step.residual]
    case 'headRotary':
      return [step.x, step.cos, step.sin].filter((value) => value !== undefined)
    case 'attention':
      return [step.q, step.k, step.v, step.queryRows].filter((value) => value !== undefined)
    case 'gatherRows':
      return [step.x, step.rows]
    case 'scatterRows':
    case 'addRows':
      return [step.x, step.rows, step.y]
    case 'swiglu':
      return [step.gate, step.up]
    case 'add':
      return [step.a, step.b]
    case 'norm':
    case 'swigluLinear':
    case 'scale':
    case 'mean':
    case 'normalize':
    case 'convert':
      return [step.x]
    default:
      return step satisfies never
  }
}
