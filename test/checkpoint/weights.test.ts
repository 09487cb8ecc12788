import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { canonicalNames } from '#qvl/checkpoint/tensor-names.js'
import { loadWeightTable } from '#qvl/checkpoint/weight-table.js'
import {
  expectShape,
  findNonFinite,
  readRowsFloat32,
  readRowsFloat32Sync,
  readTensorFloat32,
  type Tensor,
  type WeightTable,
} from '#qvl/checkpoint/weights.js'
import { goldenPath } from '../support/golden.js'
import { bytesOf, expectError, type TensorToWrite, temporaryFolder, writeSafetensors } from './folders.js'

async function tableOf(tensors: Record<string, TensorToWrite>, warn?: (message: string) => void): Promise<WeightTable> {
  const dir = temporaryFolder()
  writeSafetensors(join(dir, 'model.safetensors'), tensors)
  return loadWeightTable(dir, warn ? { warn } : {})
}

/** Every 16-bit pattern once, after one byte that makes the tensor begin at an odd offset. */
async function everyPattern(dtype: 'BF16' | 'F16'): Promise<Tensor> {
  const data = bytesOf(Uint16Array.from({ length: 65_536 }, (_, i) => i))
  const table = await tableOf({
    odd: { dtype: 'U8', shape: [1], data: new Uint8Array(1) },
    w: { dtype, shape: [256, 256], data },
  })
  return table.get('w')!
}

function bfloat16(pattern: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint16(0, pattern)
  return view.getFloat32(0)
}

function float16(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1
  const exponent = (pattern >> 10) & 31
  const fraction = pattern & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

describe('reading', () => {
  it.each([
    ['BF16', bfloat16],
    ['F16', float16],
  ] as const)('all 65,536 patterns of %s are exact', async (dtype, expected) => {
    const tensor = await everyPattern(dtype)
    const values = await readTensorFloat32(tensor)
    const rows = Array.from({ length: 256 }, (_, i) => i)
    expect(await readRowsFloat32(tensor, rows)).toEqual(values)
    expect(readRowsFloat32Sync(tensor, rows)).toEqual(values)
    const wrong = Array.from(values.keys()).filter((i) => !Object.is(values[i], expected(i)))
    expect(wrong).toEqual([])
  })

  it('F32 is copied bit by bit, NaN payloads included', async () => {
    const bits = Uint32Array.of(0, 0x80000000, 1, 0x7f800001, 0xffc00123, 0x3f800000)
    const table = await tableOf({ w: { dtype: 'F32', shape: [6], data: bytesOf(bits) } })
    const values = await readTensorFloat32(table.get('w')!)
    expect(new Uint32Array(values.buffer)).toEqual(bits)
  })

  it('rows are given in the order asked for, with repetition', async () => {
    const values = Float32Array.from({ length: 12 }, (_, i) => i)
    const stored = (await tableOf({ w: { dtype: 'F32', shape: [4, 3], data: bytesOf(values) } })).get('w')!
    const inMemory: Tensor = { dtype: 'F32', shape: [4, 3], data: values }
    for (const tensor of [stored, inMemory]) {
      const expected = Float32Array.of(9, 10, 11, 0, 1, 2, 9, 10, 11)
      expect(await readRowsFloat32(tensor, [3, 0, 3])).toEqual(expected)
      expect(readRowsFloat32Sync(tensor, Int32Array.of(3, 0, 3))).toEqual(expected)
      expect(await readRowsFloat32(tensor, [])).toEqual(new Float32Array(0))
    }
  })

  it.each([4, -1, 0.5, NaN])('row %d of 4 is refused', async (row) => {
    const tensor: Tensor = { dtype: 'F32', shape: [4, 1], data: new Float32Array(4) }
    await expectError(() => readRowsFloat32(tensor, [row]), 'TENSOR_INVALID', ['rows 0 to 3', String(row)])
    await expectError(() => readRowsFloat32Sync(tensor, [0, row]), 'TENSOR_INVALID', 'rows 0 to 3')
  })

  it('a file cut after it was opened is noticed', async () => {
    const tensor = await everyPattern('F16')
    if ('data' in tensor) throw new Error('expected a stored tensor')
    truncateSync(tensor.file, tensor.offset + 1000)
    await expectError(() => readTensorFloat32(tensor), 'CHECKPOINT_INVALID', 'truncated')
    await expectError(() => readRowsFloat32(tensor, [255]), 'CHECKPOINT_INVALID', 'truncated')
    await expectError(() => readRowsFloat32Sync(tensor, [255]), 'CHECKPOINT_INVALID', 'truncated')
  })
})

describe('findNonFinite', () => {
  // Longer than one chunk, so that the index counts over chunks.
  const count = 2_500_000
  it.each<[string, string, Uint16Array | Uint32Array, number, number]>([
    ['NaN in BF16', 'BF16', new Uint16Array(count), 0x7fc0, NaN],
    ['infinity in F16', 'F16', new Uint16Array(count), 0x7c00, Infinity],
    ['minus infinity in F32', 'F32', new Uint32Array(count), 0xff800000, -Infinity],
  ])('finds %s', async (_what, dtype, bits, pattern, value) => {
    const fine = { dtype: 'F16', shape: [1], data: new Uint8Array(2) }
    bits[count - 2] = pattern
    const table = await tableOf({ fine, w: { dtype, shape: [count], data: bytesOf(bits) } })
    expect(await findNonFinite(table)).toEqual({ name: 'w', index: count - 2, value })
  })

  it('finds nothing among the largest finite numbers', async () => {
    const table = await tableOf({
      a: { dtype: 'BF16', shape: [2], data: bytesOf(Uint16Array.of(0x7f7f, 0xff7f)) },
      b: { dtype: 'F16', shape: [2], data: bytesOf(Uint16Array.of(0x7bff, 0xfbff)) },
      c: { dtype: 'F32', shape: [1], data: bytesOf(Uint32Array.of(0x7f7fffff)) },
    })
    expect(await findNonFinite(table)).toBeUndefined()
  })

  it('looks at tensors in memory, and stops when asked to', async () => {
    const data = Float32Array.of(1, NaN)
    expect(await findNonFinite(new Map([['m', { dtype: 'F32', shape: [2], data }]]))).toEqual({
      name: 'm',
      index: 1,
      value: NaN,
    })
    const table = await tableOf({ w: { dtype: 'F16', shape: [1], data: new Uint8Array(2) } })
    await expect(findNonFinite(table, AbortSignal.abort())).rejects.toThrow('aborted')
  })
})

describe('expectShape', () => {
  const table: WeightTable = new Map([['w', { dtype: 'F32', shape: [2, 3], data: new Float32Array(6) }]])

  it('gives the tensor', () => expect(expectShape(table, 'w', [2, 3])).toBe(table.get('w')))

  it.each<[string, number[], string, string[]]>([
    ['v', [2, 3], 'TENSOR_MISSING', ['"v"', '[2,3]']],
    ['w', [3, 2], 'TENSOR_INVALID', ['"w"', '[2,3]', '[3,2]']],
    ['w', [2], 'TENSOR_INVALID', ['"w"', '[2,3]', '[2]']],
    ['w', [2, 3, 1], 'TENSOR_INVALID', ['"w"', '[2,3,1]']],
  ])('%s as %j', (name, shape, code, words) => expectError(() => expectShape(table, name, shape), code, words))
})

describe('canonical names', () => {
  it.each<[string, string[], string[]]>([
    ['no prefix', ['embed_tokens.weight', 'norm.weight'], ['embed_tokens.weight', 'norm.weight']],
    [
      'model.',
      ['model.embed_tokens.weight', 'model.norm.weight', 'lm_head.weight'],
      ['embed_tokens.weight', 'norm.weight', 'lm_head.weight'],
    ],
    [
      'model.language_model.',
      ['model.language_model.embed_tokens.weight', 'model.visual.pos_embed.weight', 'score.weight'],
      ['embed_tokens.weight', 'visual.pos_embed.weight', 'score.weight'],
    ],
    [
      'language_model.model.',
      ['language_model.model.embed_tokens.weight', 'visual.pos_embed.weight', 'language_model.lm_head.weight'],
      ['embed_tokens.weight', 'visual.pos_embed.weight', 'lm_head.weight'],
    ],
    ['language_model.', ['language_model.embed_tokens.weight', 'model.x'], ['embed_tokens.weight', 'model.x']],
    ['another prefix', ['decoder.embed_tokens.weight', 'model.x'], ['decoder.embed_tokens.weight', 'model.x']],
    ['BERT', ['bert.embeddings.LayerNorm.weight'], ['embeddings.LayerNorm.weight']],
    [
      'XLM-R',
      ['roberta.encoder.layer.0.output.dense.bias', 'classifier.dense.bias'],
      ['encoder.layer.0.output.dense.bias', 'classifier.dense.bias'],
    ],
    [
      'old BERT',
      ['bert.embeddings.LayerNorm.gamma', 'bert.embeddings.LayerNorm.beta'],
      ['embeddings.LayerNorm.weight', 'embeddings.LayerNorm.bias'],
    ],
  ])('%s', (_what, stored, canonical) => {
    expect([...canonicalNames(stored)]).toEqual(canonical.map((name, i) => [name, stored[i]]))
  })

  it.each<[string, string[]]>([
    ['two embedding tables', ['embed_tokens.weight', 'model.embed_tokens.weight']],
    ['a table of another model', ['model.embed_tokens.weight', 'draft.embed_tokens.weight']],
    ['one name from two', ['model.visual.x', 'visual.x']],
    ['two heads', ['lm_head.weight', 'model.lm_head.weight']],
  ])('%s', (_what, names) =>
    expectError(
      () => canonicalNames(names),
      'CHECKPOINT_INVALID',
      names.map((name) => `"${name}"`),
    ),
  )
})

describe('loadWeightTable', () => {
  it.each<[string, number, string[]]>([
    ['qwen3-embedding', 35, ['embed_tokens.weight', 'layers.0.self_attn.q_norm.weight', 'norm.weight']],
    ['qwen3-reranker', 35, ['embed_tokens.weight', 'norm.weight']],
    ['qwen3-reranker-seq-cls', 36, ['embed_tokens.weight', 'score.weight']],
    ['qwen3-vl-embedding', 133, ['embed_tokens.weight', 'visual.pos_embed.weight', 'visual.blocks.4.norm1.weight']],
    ['qwen3-vl-reranker', 111, ['embed_tokens.weight', 'lm_head.weight', 'visual.merger.norm.weight']],
  ])('%s has %d tensors', async (name, count, some) => {
    const table = await loadWeightTable(goldenPath(`checkpoints/${name}`))
    expect(table.size).toBe(count)
    expect([...table.keys()]).toEqual(expect.arrayContaining(some))
    expect([...table.keys()].filter((key) => key.startsWith('model.'))).toEqual([])
    expect(structuredClone(table)).toEqual(table)
  })

  it('leaves out buffers of other types, with a warning', async () => {
    const warnings: string[] = []
    const table = await tableOf(
      {
        'embeddings.position_ids': { dtype: 'I64', shape: [1], data: new Uint8Array(8) },
        w: { dtype: 'F16', shape: [1], data: new Uint8Array(2) },
      },
      (message) => warnings.push(message),
    )
    expect([...table.keys()]).toEqual(['w'])
    expect(warnings).toEqual([expect.stringContaining('"embeddings.position_ids" is stored as I64')])
  })

  it('refuses quantized weights', () =>
    expectError(
      () => tableOf({ 'layers.0.mlp.up_proj.weight': { dtype: 'F8_E4M3', shape: [1], data: new Uint8Array(1) } }),
      'TENSOR_INVALID',
      ['layers.0.mlp.up_proj.weight', 'F8_E4M3'],
    ))
})
