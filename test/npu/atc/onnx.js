// Reads what matters of an ONNX file, and refuses what the parser of atc does not take.

import { refuse } from './refuse.js'

/** The operations of the default domain that are registered at opset 17 and that models of qvl may use. */
const operations = new Set(
  `Add Sub Mul Div Pow Sqrt Reciprocal Neg Abs Exp Log Sin Cos Erf Tanh Sigmoid Relu Equal Greater GreaterOrEqual Less
  LessOrEqual And Or Not Where Expand Identity Tile Range CastLike Cast Concat Reshape Transpose Slice Split Squeeze
  Unsqueeze Shape ReduceMean ReduceSum ReduceMax ReduceMin ReduceSumSquare ReduceL2 Clip Min Max Einsum Trilu Gather
  GatherElements GatherND ScatterND MatMul Gemm Softmax TopK Conv LayerNormalization Constant ConstantOfShape Flatten Pad
  Gelu`.split(/\s+/),
)
operations.delete('Gelu') // of opset 20

const opsets = { min: 11, max: 18 }
const maxNameBytes = 127
const externalData = 1
const externalKeys = new Set(['location', 'offset', 'length'])

/** Fields of a protocol buffer message, by number: numbers of varints, and bytes of everything else. */
function* fields(/** @type {Buffer} */ bytes) {
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) refuse('the model is cut off')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length) => {
    if (at + length > bytes.length) refuse('the model is cut off')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const [number, wire] = [tag >> 3, tag & 7]
    if (wire === 0) yield { number, int: BigInt.asIntN(64, varint()) }
    else if (wire === 1) yield { number, bytes: take(8) }
    else if (wire === 2) yield { number, bytes: take(Number(varint())) }
    else if (wire === 5) yield { number, bytes: take(4) }
    else refuse('the file is not an ONNX model')
  }
}

const all = (message, number) => [...fields(message)].filter((field) => field.number === number)
const first = (message, number) => all(message, number)[0]
const text = (message, number) => first(message, number)?.bytes?.toString() ?? ''
const int = (message, number) => Number(first(message, number)?.int ?? 0n)

/** Field numbers are those of onnx.proto3. */
export function readModel(/** @type {Buffer} */ bytes) {
  const graph = first(bytes, 7)?.bytes
  if (graph === undefined) refuse('the file is not an ONNX model')
  const graphs = [graph, ...subgraphs(graph)]
  const tensors = graphs.flatMap((part) => all(part, 5).map((field) => field.bytes))
  const initialisers = tensors.map((tensor) => text(tensor, 8))
  return {
    opsets: all(bytes, 8).map((field) => ({ domain: text(field.bytes, 1), version: int(field.bytes, 2) })),
    nodes: graphs.flatMap((part) => all(part, 1).map((field) => readNode(field.bytes))),
    inputs: all(graph, 11)
      .map((field) => readValue(field.bytes))
      .filter(({ name }) => !initialisers.includes(name)),
    outputs: all(graph, 12).map((field) => readValue(field.bytes)),
    locations: tensors.flatMap((tensor) => readLocation(tensor)),
  }
}

function subgraphs(graph) {
  const attributes = all(graph, 1).flatMap((node) => all(node.bytes, 5))
  const bodies = attributes.flatMap((attribute) => all(attribute.bytes, 6).map((field) => field.bytes))
  return bodies.flatMap((body) => [body, ...subgraphs(body)])
}

const readNode = (node) => ({
  operation: text(node, 4),
  domain: text(node, 7),
  outputs: all(node, 2).map((field) => field.bytes.toString()),
})

/** Open dimensions are -1. */
function readValue(value) {
  const tensor = first(first(value, 2)?.bytes ?? Buffer.alloc(0), 1)?.bytes ?? Buffer.alloc(0)
  const dims = all(first(tensor, 2)?.bytes ?? Buffer.alloc(0), 1).map((field) => int(field.bytes, 1) || -1)
  return { name: text(value, 1), type: int(tensor, 1), dims }
}

function readLocation(tensor) {
  if (int(tensor, 14) !== externalData) return []
  const entries = all(tensor, 13).map((field) => [text(field.bytes, 1), text(field.bytes, 2)])
  for (const [key, value] of entries) {
    // Every other key is read as a number there.
    if (!externalKeys.has(key)) refuse(`external data of ${text(tensor, 8)} has the key ${key}`)
    if (key !== 'location' && !/^\d+$/.test(value))
      refuse(`external data of ${text(tensor, 8)}: ${key} is not a number`)
  }
  return entries.filter(([key]) => key === 'location').map(([, location]) => location)
}

export function checkModel(model) {
  for (const { domain, version } of model.opsets) {
    if (domain === '' || domain === 'ai.onnx') {
      if (version < opsets.min || version > opsets.max) refuse(`opset ${version} is not supported`)
    }
  }
  for (const { operation, domain, outputs } of model.nodes) {
    if (domain !== '' && domain !== 'ai.onnx') refuse(`No parser is registered for Op ${domain}::${operation}`)
    if (!operations.has(operation)) refuse(`No parser is registered for Op ${operation}`)
    if (outputs.length === 0) refuse(`${operation} has no output`)
  }
  for (const { name } of [...model.inputs, ...model.outputs]) {
    if (Buffer.byteLength(name) > maxNameBytes) refuse(`the name ${name} is too long`)
    if (/\s/.test(name)) refuse(`the name ${JSON.stringify(name)} has spaces`)
  }
}
