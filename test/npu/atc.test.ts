// The stand-in for atc refuses what the real one refuses, so that tests that compile with it prove something.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OnnxGraph } from '#qvl/devices/onnx/model.js'
import { atcArguments, gearArguments, runAtc, writeModel } from '../devices/npu/small-model.js'
import { describeSoftware, SoftwareAscend } from './software.js'

describeSoftware('the stand-in for atc', () => {
  let software: SoftwareAscend
  let onnx: string
  beforeAll(() => {
    software = new SoftwareAscend()
    onnx = writeModel(software.folder)
  })
  afterAll(() => software?.remove())

  const good = (model = onnx): string[] => [...atcArguments(model, join(software.folder, 'out')), ...gearArguments()]

  const expectRefused = (args: readonly string[], why: RegExp): void => {
    const { status, stderr } = runAtc(software, args)
    expect({ status, stderr }).toEqual({ status: 255, stderr: expect.stringMatching(why) })
  }

  it('compiles a model that has nothing wrong', () => {
    const { status, stdout, stderr } = runAtc(software, good())
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ATC run success\n', stderr: '' })
    expect(readFileSync(join(software.folder, 'out.om'), 'utf8')).toContain('gear 2 32 2 32 4 2 2 4 2 32')
  })

  /** The flags of a good call, with these in place of those of the same name; a value of undefined leaves it out. */
  const changed = (changes: Record<string, string | undefined>): string[] => [
    ...good().filter((argument) => !Object.keys(changes).some((name) => argument.startsWith(`--${name}=`))),
    ...Object.entries(changes).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
  ]
  const manyGears = Array.from({ length: 101 }, (_, i) => `1,${i + 1},1,${i + 1},1`).join(';')
  const calls: [name: string, changes: Record<string, string | undefined>, why: RegExp][] = [
    ['an unknown flag', { input_shape_range: 'ids:1~2' }, /unknown argument/],
    ['no model', { model: undefined }, /--model is required/],
    ['no output', { output: undefined }, /--output is required/],
    ['no chip', { soc_version: undefined }, /--soc_version is required/],
    ['an unknown chip', { soc_version: 'Ascend42' }, /Ascend42 is not known/],
    ['another framework', { framework: '0' }, /framework=5/],
    ['no precision mode', { precision_mode_v2: undefined }, /--precision_mode_v2 is not given/],
    ['an unknown precision mode', { precision_mode_v2: 'fp32' }, /fp32 is not known/],
    ['both precision modes', { precision_mode: 'allow_fp32_to_fp16' }, /exclude each other/],
    ['bfloat16 on a 310P', { soc_version: 'Ascend310P3', precision_mode_v2: 'mixed_bfloat16' }, /no bfloat16/],
    ['a wrong place of the weights', { external_weight: '3' }, /external_weight is one of 0, 1, 2/],
    ['an unknown level of the log', { log: 'all' }, /--log is one of/],
    ['a shape that is none', { input_shape: 'ids=1,2' }, /cannot read ids=1,2/],
    ['a shape twice', { input_shape: 'shift:-1;shift:-1' }, /cannot read shift:-1/],
    ['a dimension of zero', { input_shape: 'ids:-1,0;x:-1,-1,4;shift:-1' }, /dimension is not allowed/],
    ['a shape of an unknown input', { input_shape: 'ids:-1,-1;x:-1,-1,4;shift:-1;y:2' }, /there is no input y/],
    ['a shape of another rank', { input_shape: 'ids:-1,-1,-1;x:-1,4;shift:-1' }, /ids has 2 dimensions/],
    ['a shape that the model contradicts', { input_shape: 'ids:-1,-1;x:-1,-1,5;shift:-1' }, /dimension 2 of x is 4/],
    [
      'an open shape that is not given',
      { input_shape: 'ids:-1,-1;x:-1,-1,4', dynamic_dims: '1,8,1,8;2,8,2,8' },
      /shift/,
    ],
    ['open shapes and no gears', { dynamic_dims: undefined }, /no --dynamic_dims/],
    ['gears in another format', { input_format: 'NCHW' }, /needs --input_format=ND/],
    ['one gear', { dynamic_dims: '1,8,1,8,1' }, /has 1 gears; 2 to 100/],
    ['too many gears', { dynamic_dims: manyGears }, /has 101 gears; 2 to 100/],
    ['a gear twice', { dynamic_dims: '1,8,1,8,1;1,8,1,8,1' }, /the same gear twice/],
    ['a gear with too few numbers', { dynamic_dims: '1,8,1,8,1;1,8' }, /1,8 does not have 5 numbers/],
    ['a gear with a zero', { dynamic_dims: '1,8,1,8,1;0,8,1,8,1' }, /0,8,1,8,1 is not allowed/],
    ['a gear that the model cannot compute', { dynamic_dims: '1,8,1,8,1;2,8,2,8,3' }, /do not fit the model/],
  ]
  it.each(calls)('refuses %s', (_, changes, why) => expectRefused(changed(changes), why))

  it('refuses an argument that is no flag', () => expectRefused([...good(), onnx], /unknown argument/))

  describe('models', () => {
    /** `out` is made of `x` [2]. */
    const modelOf = (add: (graph: OnnxGraph, x: string) => string, input = 'x'): Uint8Array => {
      const graph = new OnnxGraph('wrong')
      graph.alias(add(graph, graph.input(input, 'float32', [2])), 'out')
      graph.output('out', 'float32', [2])
      return graph.encodeModel()
    }
    const weighted = (location: string): Uint8Array =>
      modelOf((graph, x) => {
        graph.initialiser('w', 'float32', [2], { location, offset: 0, bytes: 8 })
        return graph.op('Add', [x, 'w'])
      })
    const replaced = (model: Uint8Array, from: string, to: string): Uint8Array =>
      Buffer.from(Buffer.from(model).toString('latin1').replace(from, to), 'latin1')
    const identity = (name?: string): Uint8Array => modelOf((graph, x) => graph.op('Identity', [x]), name)
    /** The last bytes are the version of the opset. */
    const ofOpset = (version: number): Uint8Array => Uint8Array.from([...identity().slice(0, -1), version])

    const models: [name: string, model: () => Uint8Array, why: RegExp][] = [
      ['a file that is no model', () => Buffer.from('{"no": "model"}'), /not an ONNX model|cut off/],
      ['a model that is cut off', () => identity().slice(0, -20), /not an ONNX model|cut off/],
      ['an older opset', () => ofOpset(10), /opset 10 is not supported/],
      ['a newer opset', () => ofOpset(19), /opset 19 is not supported/],
      ['an operator of a newer opset', () => modelOf((graph, x) => graph.op('Gelu', [x])), /for Op Gelu/],
      ['an operator that nobody has', () => modelOf((graph, x) => graph.op('RotaryEmbedding', [x])), /RotaryEmbedding/],
      ['a name that is too long', () => identity('x'.repeat(128)), /is too long/],
      ['a name with a space', () => identity('the input'), /has spaces/],
      ['weights that are not there', () => weighted('nowhere.bin'), /nowhere.bin are not there/],
      ['weights outside of the folder', () => weighted('../w.bin'), /outside of the folder/],
      ['weights at an absolute path', () => weighted('/w.bin'), /outside of the folder/],
      ['another key of external data', () => replaced(weighted('w.bin'), 'offset', 'offzet'), /the key offzet/],
    ]
    it.each(models)('refuses %s', (_, model, why) => {
      const file = join(software.folder, 'wrong.onnx')
      writeFileSync(file, model())
      expectRefused(atcArguments(file, join(software.folder, 'wrong')), why)
    })
  })

  it('writes weights beside the model where it is asked to', () => {
    const output = join(software.folder, 'beside/out')
    const { status } = runAtc(software, [...changed({ output }), '--external_weight=1'])
    expect(status).toBe(0)
    expect(readFileSync(`${output}.om`, 'utf8')).toContain('weights beside')
  })
})
