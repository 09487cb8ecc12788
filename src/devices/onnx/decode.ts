// Reads an encoded ONNX model back: what its nodes, values and initialisers are called, and of what kind they are.

import { readFields, type WireField } from './proto-read.js'

export interface DecodedModel {
  opsets: readonly { domain: string; version: number }[]
  nodes: readonly DecodedNode[]
  inputs: readonly DecodedValue[]
  outputs: readonly DecodedValue[]
  initialisers: readonly DecodedInitialiser[]
}

export interface DecodedNode {
  name: string
  op: string
  domain: string
  inputs: readonly string[]
  outputs: readonly string[]
  /** Has a graph among its attributes, as loops do. */
  hasGraph: boolean
}

export interface DecodedValue {
  name: string
  /** As in TensorProto.DataType. */
  type: number
  /** A name where the dimension is not known. */
  dims: readonly (number | string)[]
}

export interface DecodedInitialiser extends DecodedValue {
  dims: readonly number[]
  /** Keys and values of data in another file; absent where the data is in the model. */
  external?: ReadonlyMap<string, string>
}

/** Throws RangeError for bytes that are no model. */
export function decodeModel(bytes: Uint8Array): DecodedModel {
  const fields = readFields(bytes)
  const graph = readFields(messages(fields, 7)[0] ?? new Uint8Array())
  return {
    opsets: messages(fields, 8).map((each) => {
      const opset = readFields(each)
      return { domain: text(opset, 1), version: number(opset, 2) }
    }),
    nodes: messages(graph, 1).map(decodeNode),
    initialisers: messages(graph, 5).map(decodeInitialiser),
    inputs: messages(graph, 11).map(decodeValue),
    outputs: messages(graph, 12).map(decodeValue),
  }
}

function decodeNode(bytes: Uint8Array): DecodedNode {
  const fields = readFields(bytes)
  const attributes = messages(fields, 5).map(readFields)
  return {
    inputs: messages(fields, 1).map(toText),
    outputs: messages(fields, 2).map(toText),
    name: text(fields, 3),
    op: text(fields, 4),
    domain: text(fields, 7),
    hasGraph: attributes.some((attribute) => messages(attribute, 6).length + messages(attribute, 11).length > 0),
  }
}

function decodeInitialiser(bytes: Uint8Array): DecodedInitialiser {
  const fields = readFields(bytes)
  const isExternal = number(fields, 14) === 1
  const external = messages(fields, 13).map((each) => {
    const entry = readFields(each)
    return [text(entry, 1), text(entry, 2)] as const
  })
  return {
    name: text(fields, 8),
    type: number(fields, 2),
    dims: numbers(fields, 1),
    ...(isExternal || external.length > 0 ? { external: new Map(external) } : {}),
  }
}

function decodeValue(bytes: Uint8Array): DecodedValue {
  const fields = readFields(bytes)
  const tensor = inner(inner(fields, 2), 1)
  return {
    name: text(fields, 1),
    type: number(tensor, 1),
    dims: messages(inner(tensor, 2), 1).map((each) => {
      const dim = readFields(each)
      const name = text(dim, 2)
      return name === '' ? number(dim, 1) : name
    }),
  }
}

const inner = (fields: readonly WireField[], field: number): WireField[] =>
  readFields(messages(fields, field)[0] ?? new Uint8Array())

const messages = (fields: readonly WireField[], field: number): Uint8Array[] =>
  fields.flatMap((each) => (each.field === field && each.value instanceof Uint8Array ? [each.value] : []))

const numbers = (fields: readonly WireField[], field: number): number[] =>
  fields.flatMap((each) => (each.field === field && typeof each.value === 'bigint' ? [Number(each.value)] : []))

/** As the encoding has it, a number that is absent is 0. */
const number = (fields: readonly WireField[], field: number): number => numbers(fields, field).at(-1) ?? 0

const text = (fields: readonly WireField[], field: number): string =>
  toText(messages(fields, field).at(-1) ?? new Uint8Array())

const utf8 = new TextDecoder()

const toText = (bytes: Uint8Array): string => utf8.decode(bytes)
