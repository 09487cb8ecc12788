// Builds an ONNX model: nodes with address-like names, a pool of constants, initialisers, and the encoded bytes.
//
// Field numbers are those of onnx.proto3. The opset is 17, the newest that every runtime in scope accepts.

import { ProtoMessage } from './proto.js'

export const elementType = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, bfloat16: 16 } as const

export type ElementType = keyof typeof elementType

/** A dimension is a number, or the name of one that is known only when a batch arrives. */
export type Dim = number | string

export type Attribute =
  | { kind: 'int'; value: number }
  | { kind: 'float'; value: number }
  | { kind: 'ints'; value: readonly number[] }
  | { kind: 'graph'; value: OnnxGraph }

export const int = (value: number): Attribute => ({ kind: 'int', value })
export const float = (value: number): Attribute => ({ kind: 'float', value })
export const ints = (...value: number[]): Attribute => ({ kind: 'ints', value })
export const subgraph = (value: OnnxGraph): Attribute => ({ kind: 'graph', value })

/** Bytes of an initialiser: in the model, or in a file next to it (`location` is relative to a folder given at load). */
export type InitialiserData = { raw: Uint8Array } | { location: string; offset: number; bytes: number }

const opset = 17
/** Version 8 of the file format belongs to opset 17. */
const irVersion = 8
const attributeType = { float: 1, int: 2, graph: 5, ints: 7 } as const
const externalDataLocation = 1

/** A graph, or the body of a loop; a body may read every name of the graph around it. Values are named by strings. */
export class OnnxGraph {
  readonly #name: string
  readonly #parent: OnnxGraph | undefined
  readonly #nodes: ProtoMessage[] = []
  readonly #inputs: ProtoMessage[] = []
  readonly #outputs: ProtoMessage[] = []
  readonly #initialisers = new Map<string, ProtoMessage>()
  readonly #timesNamed = new Map<string, number>()
  #scope = ''

  constructor(name: string, parent?: OnnxGraph) {
    this.#name = name
    this.#parent = parent
    if (parent !== undefined) this.#scope = name
  }

  /** Nodes added from here on are named below `scope`, such as `/12.linear`. */
  enter(scope: string): void {
    this.#scope = scope
  }

  /** A graph to be run by a node of this one. */
  body(name: string): OnnxGraph {
    return new OnnxGraph(`${this.#scope}/${name}`, this)
  }

  /** A name below the current scope that no other value has. */
  name(last: string): string {
    const name = `${this.#scope}/${last}`
    const times = (this.#timesNamed.get(name) ?? 0) + 1
    this.#timesNamed.set(name, times)
    return times === 1 ? name : `${name}.${times}`
  }

  input(name: string, type: ElementType, dims: readonly Dim[]): string {
    this.#inputs.push(valueInfo(name, type, dims))
    return name
  }

  output(name: string, type: ElementType, dims: readonly Dim[]): void {
    this.#outputs.push(valueInfo(name, type, dims))
  }

  /** A node with one output. */
  op(type: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    return this.ops(type, inputs, 1, attributes)[0]!
  }

  /** A node with several outputs. */
  ops(type: string, inputs: readonly string[], count: number, attributes: Record<string, Attribute> = {}): string[] {
    const name = this.name(type)
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}/${i}`))
    this.#add({ name, type, inputs, outputs, attributes })
    return outputs
  }

  /** Give a value a name of its own, as graph outputs need. */
  alias(value: string, name: string): void {
    this.#add({ name, type: 'Identity', inputs: [value], outputs: [name], attributes: {} })
  }

  initialiser(name: string, type: ElementType, dims: readonly number[], data: InitialiserData): string {
    const tensor = new ProtoMessage()
    for (const dim of dims) tensor.int(1, dim)
    tensor.int(2, elementType[type]).string(8, name)
    if ('raw' in data) {
      tensor.bytes(9, data.raw)
    } else {
      tensor.messages(13, [
        keyValue('location', data.location),
        keyValue('offset', String(data.offset)),
        keyValue('length', String(data.bytes)),
      ])
      tensor.int(14, externalDataLocation)
    }
    this.#initialisers.set(name, tensor)
    return name
  }

  /** A float32 constant of no dimensions. */
  scalar(value: number): string {
    return this.#constant(`float/${value}`, 'float32', [], new Float32Array([value]))
  }

  /** An int32 constant of no dimensions. */
  integer(value: number): string {
    return this.#constant(`integer/${value}`, 'int32', [], new Int32Array([value]))
  }

  /** An int64 constant of one dimension, such as a shape. */
  shape(...values: number[]): string {
    return this.#constant(`shape/${values.join('_')}`, 'int64', [values.length], BigInt64Array.from(values, BigInt))
  }

  encodeModel(): Uint8Array {
    return new ProtoMessage()
      .int(1, irVersion)
      .string(2, 'qvl')
      .message(7, this.encode())
      .message(8, new ProtoMessage().string(1, '').int(2, opset))
      .encode()
  }

  /** As a GraphProto. */
  encode(): ProtoMessage {
    return new ProtoMessage()
      .messages(1, this.#nodes)
      .string(2, this.#name)
      .messages(5, this.#initialisers.values())
      .messages(11, this.#inputs)
      .messages(12, this.#outputs)
  }

  /** Constants live in the outermost graph, each once. */
  #constant(key: string, type: ElementType, dims: readonly number[], data: Numbers): string {
    if (this.#parent !== undefined) return this.#parent.#constant(key, type, dims, data)
    const name = `constant/${key}`
    if (!this.#initialisers.has(name)) this.initialiser(name, type, dims, { raw: new Uint8Array(data.buffer) })
    return name
  }

  #add({ name, type, inputs, outputs, attributes }: Node): void {
    const node = new ProtoMessage()
    for (const input of inputs) node.string(1, input)
    for (const output of outputs) node.string(2, output)
    node.string(3, name).string(4, type)
    for (const [key, attribute] of Object.entries(attributes)) node.message(5, encodeAttribute(key, attribute))
    this.#nodes.push(node)
  }
}

type Numbers = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>

interface Node {
  name: string
  type: string
  inputs: readonly string[]
  outputs: readonly string[]
  attributes: Record<string, Attribute>
}

function encodeAttribute(name: string, attribute: Attribute): ProtoMessage {
  const message = new ProtoMessage().string(1, name).int(20, attributeType[attribute.kind])
  switch (attribute.kind) {
    case 'float':
      return message.float(2, attribute.value)
    case 'int':
      return message.int(3, attribute.value)
    case 'graph':
      return message.message(6, attribute.value.encode())
    case 'ints':
      for (const value of attribute.value) message.int(8, value)
      return message
    default:
      return attribute satisfies never
  }
}

function keyValue(key: string, value: string): ProtoMessage {
  return new ProtoMessage().string(1, key).string(2, value)
}

function valueInfo(name: string, type: ElementType, dims: readonly Dim[]): ProtoMessage {
  const shape = new ProtoMessage()
  for (const dim of dims) {
    const message = new ProtoMessage()
    shape.message(1, typeof dim === 'number' ? message.int(1, dim) : message.string(2, dim))
  }
  const tensorType = new ProtoMessage().int(1, elementType[type]).message(2, shape)
  return new ProtoMessage().string(1, name).message(2, new ProtoMessage().message(1, tensorType))
}
