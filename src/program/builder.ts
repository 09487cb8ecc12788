// Writes a program down: one method per operation, each checking the shapes it is given.

import { QvlError } from '../errors.js'
import type { Activation, AttentionOp, Op, Program, ProgramInput, RowsName, Value, ValueShape } from './program.js'

type AttentionSpec = Omit<AttentionOp, 'op' | 'out'>

export class ProgramBuilder {
  readonly #inputs: ProgramInput[] = []
  readonly #ops: Op[] = []
  readonly #shapes: ValueShape[] = []
  readonly #outputs: { name: string; value: Value }[] = []

  /** A float input of shape [rows, width]. */
  floats(name: string, rows: RowsName, width: number): Value {
    const value = this.#value(rows, width)
    this.#inputs.push({ name, kind: 'f32', rows, width, value })
    return value
  }

  /** An integer input with one number per row: ids or row numbers. */
  integers(name: string, rows: RowsName): Value {
    const value = this.#value(rows, 1)
    this.#inputs.push({ name, kind: 'i32', rows, width: 1, value })
    return value
  }

  spans(name: string): string {
    this.#inputs.push({ name, kind: 'spans' })
    return name
  }

  output(name: string, value: Value): void {
    this.#outputs.push({ name, value })
  }

  build(): Program {
    return { inputs: this.#inputs, ops: this.#ops, shapes: this.#shapes, outputs: this.#outputs }
  }

  embed(ids: Value, table: string, width: number): Value {
    return this.#push(this.#shape(ids).rows, width, (out) => ({ op: 'embed', ids, table, out }))
  }

  scatterRows(x: Value, rows: Value, y: Value): Value {
    this.#sameWidth('scatterRows', x, y)
    this.#sameRows('scatterRows', rows, y)
    return this.#like(x, (out) => ({ op: 'scatterRows', x, rows, y, out }))
  }

  addRows(x: Value, rows: Value, y: Value): Value {
    this.#sameWidth('addRows', x, y)
    this.#sameRows('addRows', rows, y)
    return this.#like(x, (out) => ({ op: 'addRows', x, rows, y, out }))
  }

  /** `count` rows from each row number on, side by side. */
  gatherRows(x: Value, rows: Value, count = 1): Value {
    const width = count * this.#shape(x).width
    return this.#push(this.#shape(rows).rows, width, (out) => ({ op: 'gatherRows', x, rows, count, out }))
  }

  /** x [rows, in] · weight [out, in]ᵀ + bias [out]. `width` is out. */
  linear(x: Value, weight: string, width: number, options: { bias?: string; activation?: Activation } = {}): Value {
    const { bias, activation = 'none' } = options
    return this.#push(this.#shape(x).rows, width, (out) => ({
      op: 'linear',
      x,
      weight,
      ...(bias === undefined ? {} : { bias }),
      activation,
      out,
    }))
  }

  rmsNorm(x: Value, weight: string, eps: number): Value {
    return this.#like(x, (out) => ({ op: 'rmsNorm', x, weight, eps, out }))
  }

  layerNorm(x: Value, weight: string, bias: string, eps: number): Value {
    return this.#like(x, (out) => ({ op: 'layerNorm', x, weight, bias, eps, out }))
  }

  headNorm(x: Value, weight: string, headDim: number, eps: number): Value {
    this.#require('headNorm', this.#shape(x).width % headDim === 0, 'the width must be whole heads')
    return this.#like(x, (out) => ({ op: 'headNorm', x, weight, headDim, eps, out }))
  }

  rotary(x: Value, cos: Value, sin: Value, headDim: number): Value {
    const half = headDim / 2
    const tables = this.#shape(cos).width === half && this.#shape(sin).width === half
    this.#require('rotary', tables, 'cos and sin must be headDim/2 wide')
    this.#sameRows('rotary', x, cos)
    return this.#like(x, (out) => ({ op: 'rotary', x, cos, sin, headDim, out }))
  }

  attention(spec: AttentionSpec): Value {
    const q = this.#shape(spec.q)
    const { heads, kvHeads, headDim } = spec
    this.#require('attention', q.width === heads * headDim, 'q must be heads · headDim wide')
    this.#require('attention', this.#shape(spec.k).width === kvHeads * headDim, 'k must be kvHeads · headDim wide')
    this.#require('attention', heads % kvHeads === 0, 'heads must be a multiple of kvHeads')
    this.#require('attention', spec.scale >= 0, 'the scale must not be negative')
    this.#sameWidth('attention', spec.k, spec.v)
    return this.#like(spec.q, (out) => ({ op: 'attention', ...spec, out }))
  }

  swiglu(gate: Value, up: Value): Value {
    this.#sameWidth('swiglu', gate, up)
    return this.#like(gate, (out) => ({ op: 'swiglu', gate, up, out }))
  }

  add(a: Value, b: Value): Value {
    this.#sameWidth('add', a, b)
    this.#sameRows('add', a, b)
    return this.#like(a, (out) => ({ op: 'add', a, b, out }))
  }

  scale(x: Value, factor: number): Value {
    return this.#like(x, (out) => ({ op: 'scale', x, factor, out }))
  }

  /** `rows` names the count of spans. */
  mean(x: Value, spans: string, rows: RowsName): Value {
    return this.#push(rows, this.#shape(x).width, (out) => ({ op: 'mean', x, spans, out }))
  }

  normalize(x: Value): Value {
    return this.#like(x, (out) => ({ op: 'normalize', x, out }))
  }

  #push(rows: RowsName, width: number, op: (out: Value) => Op): Value {
    const out = this.#value(rows, width)
    this.#ops.push(op(out))
    return out
  }

  #like(x: Value, op: (out: Value) => Op): Value {
    const { rows, width } = this.#shape(x)
    return this.#push(rows, width, op)
  }

  #value(rows: RowsName, width: number): Value {
    return this.#shapes.push({ rows, width }) - 1
  }

  #shape(value: Value): ValueShape {
    const shape = this.#shapes[value]
    if (shape === undefined) throw wiringError('a value', 'it belongs to another program')
    return shape
  }

  #sameWidth(op: string, a: Value, b: Value): void {
    this.#require(op, this.#shape(a).width === this.#shape(b).width, 'widths must be equal')
  }

  #sameRows(op: string, a: Value, b: Value): void {
    this.#require(op, this.#shape(a).rows === this.#shape(b).rows, 'row counts must be the same')
  }

  #require(op: string, holds: boolean, rule: string): void {
    if (!holds) throw wiringError(op, rule)
  }
}

const wiringError = (op: string, rule: string): QvlError =>
  new QvlError('INTERNAL', { what: `A model wires ${op} wrongly.`, why: `In ${op}, ${rule}.` })
