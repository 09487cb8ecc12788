// Refuses models that ATC is known to refuse. Without a chip or a compiler this is the only guard there is.

import { QvlError } from '../../errors.js'
import { type DecodedInitialiser, type DecodedModel, type DecodedNode, decodeModel } from '../onnx/decode.js'
import { elementType } from '../onnx/model.js'
import { atcOps } from './atc-ops.js'

export interface LintProblem {
  /** A node, value or initialiser; empty for the model as a whole. */
  where: string
  what: string
}

const opset = 17
/** Longer tensor names are renamed when a model is loaded. */
const maxNameBytes = 127
/** A gear lists the dimensions of all inputs in an array of this many. */
const maxDims = 128
/** Protocol buffers end here. */
const maxModelBytes = 2 ** 31 - 1
/** Every other key is read as a number, and a text such as a checksum ends the compilation. */
const externalKeys = ['length', 'location', 'offset']

/** Throws INTERNAL, naming everything that is wrong. */
export function checkForAtc(model: Uint8Array): void {
  const problems = lintForAtc(model)
  if (problems.length === 0) return
  throw new QvlError('INTERNAL', {
    what: 'A program was lowered to something that ATC does not compile.',
    why: problems.map(({ where, what }) => (where === '' ? what : `${where}: ${what}`)).join(' '),
  })
}

/** Everything in an encoded model that ATC is known to refuse. */
export function lintForAtc(model: Uint8Array): LintProblem[] {
  const tooLarge = model.length > maxModelBytes ? [{ where: '', what: 'It is larger than 2 GiB.' }] : []
  const decoded = decodeModel(model)
  return [
    ...tooLarge,
    ...opsetProblems(decoded),
    ...nameProblems(decoded),
    ...interfaceProblems(decoded),
    ...decoded.nodes.flatMap(nodeProblems),
    ...decoded.initialisers.flatMap(initialiserProblems),
  ]
}

function opsetProblems({ opsets }: DecodedModel): LintProblem[] {
  const found = opsets.map(({ domain, version }) => `${domain || 'ai.onnx'} ${version}`)
  if (found.length === 1 && found[0] === `ai.onnx ${opset}`) return []
  return [{ where: '', what: `Its operators are of ${found.join(', ') || 'no set'} and not of ai.onnx ${opset}.` }]
}

function nameProblems({ nodes, inputs, outputs, initialisers }: DecodedModel): LintProblem[] {
  const names = [
    ...nodes.flatMap((node) => [node.name, ...node.outputs]),
    ...[...inputs, ...outputs, ...initialisers].map(({ name }) => name),
  ]
  return [...new Set(names)].flatMap((name) => {
    const length = Buffer.byteLength(name)
    if (length > maxNameBytes)
      return [{ where: name, what: `The name has ${length} bytes, more than ${maxNameBytes}.` }]
    // These have a meaning in the arguments and in the node names of the compiler.
    return /^[\w./-]+$/.test(name)
      ? []
      : [{ where: name, what: 'The name has signs other than letters, digits, . _ / -.' }]
  })
}

function interfaceProblems({ inputs, outputs, initialisers }: DecodedModel): LintProblem[] {
  const given = new Set(initialisers.map(({ name }) => name))
  const types: readonly number[] = [elementType.float32, elementType.float16, elementType.int32, elementType.int64]
  const dims = inputs.reduce((sum, input) => sum + input.dims.length, 0)
  return [
    ...(dims > maxDims ? [{ where: '', what: `Its inputs have ${dims} dimensions, more than ${maxDims}.` }] : []),
    ...[...inputs, ...outputs].flatMap(({ name, type, dims }) => [
      ...(types.includes(type) ? [] : [{ where: name, what: `Type ${type} does not cross the graph's edge.` }]),
      ...(dims.includes(0) ? [{ where: name, what: 'It has a dimension of 0.' }] : []),
      ...(given.has(name) ? [{ where: name, what: 'An initialiser has the same name.' }] : []),
    ]),
  ]
}

function nodeProblems({ name, op, domain, hasGraph }: DecodedNode): LintProblem[] {
  if (domain !== '') return [{ where: name, what: `The domain ${domain} is not compiled.` }]
  if (hasGraph) return [{ where: name, what: `${op} runs a graph of its own.` }]
  return atcOps.has(op) ? [] : [{ where: name, what: `${op} is not among the operators that ATC takes.` }]
}

function initialiserProblems({ name, dims, external }: DecodedInitialiser): LintProblem[] {
  const problems: LintProblem[] = []
  if (dims.includes(0)) problems.push({ where: name, what: 'It has a dimension of 0.' })
  if (external === undefined) return problems
  const keys = [...external.keys()].sort()
  if (keys.join() !== externalKeys.join())
    problems.push({
      where: name,
      what: `Its data is described by ${keys.join(', ')} and not by ${externalKeys.join(', ')}.`,
    })
  const location = external.get('location') ?? ''
  if (location === '' || location.startsWith('/') || location.split('/').includes('..'))
    problems.push({ where: name, what: `Its data is at ${JSON.stringify(location)}, outside the model's folder.` })
  return problems
}
