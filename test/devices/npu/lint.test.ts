// What is lowered at true size is what ATC takes, the lint finds what it does not, and the docs list the operators.

import { describe, expect, it } from 'vitest'
import { atcOps } from '#qvl/devices/npu/atc-ops.js'
import { defaultGears } from '#qvl/devices/npu/gears.js'
import { gearBytes } from '#qvl/devices/npu/layout.js'
import { checkForAtc, lintForAtc } from '#qvl/devices/npu/lint.js'
import { lowerPadded, traitsOf } from '#qvl/devices/npu/lower-padded.js'
import { decodeModel } from '#qvl/devices/onnx/decode.js'
import { int, OnnxGraph, subgraph } from '#qvl/devices/onnx/model.js'
import { ProtoMessage } from '#qvl/devices/onnx/proto.js'
import { type Architecture, architectures } from './architectures.js'

const lowered = ({ program, weights, maxRows }: Architecture, products: 'float32' | 'float16' | 'bfloat16') =>
  lowerPadded(program, weights, { gears: defaultGears(traitsOf(program), maxRows), products })

describe.each(['float16', 'bfloat16', 'float32'] as const)('in %s', (products) => {
  it.each(architectures().map((each) => [each.name, each] as const))('%s', (_, architecture) => {
    const { model, weights, layout } = lowered(architecture, products)
    expect(lintForAtc(model)).toEqual([])
    const { initialisers, inputs } = decodeModel(model)
    const external = initialisers.filter((each) => each.external !== undefined)
    expect(external).toHaveLength(weights.tensors.length)
    expect(inputs.map(({ name }) => name)).toEqual(layout.inputs.map(({ name }) => name))
    // Beside the weights, buffers have to fit too: a card has 24 GB or more.
    for (const gear of layout.gears) expect(gearBytes(layout, gear)).toBeLessThan(1e9)
    expect(layout.gears.length).toBeLessThanOrEqual(13)
  })
})

/** A model of one node, as it should be. */
function plain(change: (g: OnnxGraph) => void = () => {}): Uint8Array {
  const g = new OnnxGraph('test')
  g.input('x', 'float32', ['rows', 4])
  change(g)
  g.alias('x', 'y')
  g.output('y', 'float32', ['rows', 4])
  return g.encodeModel()
}

const external = (entries: Record<string, string>) => {
  const tensor = new ProtoMessage().int(1, 4).int(2, 1).string(8, 'w')
  for (const [key, value] of Object.entries(entries))
    tensor.message(13, new ProtoMessage().string(1, key).string(2, value))
  return modelWith(new ProtoMessage().message(5, tensor.int(14, 1)))
}

const modelWith = (graph: ProtoMessage, opset = new ProtoMessage().string(1, '').int(2, 17)): Uint8Array =>
  new ProtoMessage().int(1, 8).message(7, graph).message(8, opset).encode()

const node = (op: string, domain: string) =>
  new ProtoMessage().message(1, new ProtoMessage().string(2, 'y').string(3, 'n').string(4, op).string(7, domain))

describe('lintForAtc', () => {
  it.each<[string, Uint8Array, RegExp | undefined]>([
    ['a plain model', plain(), undefined],
    ['an operator without registration', plain((g) => g.op('GroupNormalization', ['x'])), /not among the operators/],
    ['shapes that depend on values', plain((g) => g.op('NonZero', ['x'])), /NonZero is not among/],
    ['a loop', plain((g) => g.op('Loop', ['x'], { body: subgraph(g.body('b')), n: int(1) })), /a graph of its own/],
    ['a foreign domain', modelWith(node('MatMulNBits', 'com.microsoft')), /com\.microsoft is not compiled/],
    ['another opset', modelWith(new ProtoMessage(), new ProtoMessage().string(1, '').int(2, 23)), /ai\.onnx 23/],
    ['no opset', modelWith(new ProtoMessage(), new ProtoMessage()), /ai\.onnx 0/],
    ['a long name', plain((g) => g.input('n'.repeat(128), 'float32', [1])), /128 bytes, more than 127/],
    ['a long name of two-byte letters', plain((g) => g.input('é'.repeat(64), 'float32', [1])), /128 bytes/],
    ['a name with a colon', plain((g) => g.input('ids:0', 'int32', [1])), /signs other than/],
    ['bfloat16 at the edge', plain((g) => g.input('b', 'bfloat16', [1])), /does not cross/],
    ['nothing in a dimension', plain((g) => g.input('z', 'float32', [0, 2])), /dimension of 0/],
    ['an empty weight', plain((g) => g.initialiser('w', 'float32', [0], { raw: new Uint8Array() })), /of 0/],
    ['too many dimensions', plain((g) => g.input('d', 'float32', Array(127).fill(1))), /129 dimensions/],
    ['a checksum', external({ location: 'w', offset: '0', length: '16', checksum: 'ab' }), /checksum, length/],
    ['no length', external({ location: 'w', offset: '0' }), /location, offset and not/],
    ['a file elsewhere', external({ location: '../w', offset: '0', length: '16' }), /outside/],
    ['an absolute file', external({ location: '/w', offset: '0', length: '16' }), /outside/],
  ])('%s', (_, model, expected) => {
    const found = lintForAtc(model).map(({ what }) => what)
    if (expected === undefined) expect(found).toEqual([])
    else expect(found.join(' ')).toMatch(expected)
    if (expected === undefined) checkForAtc(model)
    else expect(() => checkForAtc(model)).toThrow('ATC does not compile')
  })

  it('refuses bytes that are no model', () => {
    expect(() => lintForAtc(Uint8Array.of(0x0a, 0x05, 1))).toThrow(RangeError)
  })
})

it('docs/ascend-operators.md', async () => {
  const all = architectures()
  const kinds = [...new Set(all.map(({ kind }) => kind))]
  const used = new Map(
    kinds.map((kind) => {
      const ofKind = all.filter((each) => each.kind === kind)
      const nodes = ofKind.flatMap((each) => decodeModel(lowered(each, 'float16').model).nodes)
      return [kind, new Set(nodes.map(({ op }) => op))] as const
    }),
  )
  const ops = [...new Set([...used.values()].flatMap((set) => [...set]))].sort()
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const table = [
    row(['Operator', 'ATC, opset 17', ...kinds]),
    row(['---', '---', ...kinds.map(() => '---')]),
    ...ops.map((op) => {
      return row([op, atcOps.has(op) ? 'yes' : 'no', ...kinds.map((kind) => (used.get(kind)!.has(op) ? 'x' : ''))])
    }),
  ]
  const models = kinds.map(
    (kind) =>
      `- ${kind}: ${all
        .filter((each) => each.kind === kind)
        .map(({ name }) => name)
        .join('; ')}`,
  )
  await expect(page(table, models)).toMatchFileSnapshot('../../../docs/ascend-operators.md')
})

const page = (table: readonly string[], models: readonly string[]): string => `# Operators of the npu device

What \`qvl compile\` hands to ATC is plain ONNX: the operators of ai.onnx at opset 17 and nothing else, in these models
at their true size:

${models.join('\n')}

${table.join('\n')}

"yes" means that the sources of the Ascend operator libraries register the operator at version 17; it was read there, and
no compiler has confirmed it here. Before anything is compiled the graph is read back and refused where it has another
operator, a loop, another domain or opset, a shape that depends on values, bfloat16 at its edge, a name of more than 127
bytes, inputs of more than 128 dimensions together, a dimension of 0, or weights outside of its folder or described by
more than location, offset and length.

This page is written by \`npx vitest run test/devices/npu/lint.test.ts -u\`, and the same test fails when it is out of date.
`
