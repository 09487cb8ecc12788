import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoredTensor, TensorDtype, WeightTable } from '#qvl/checkpoint/weights.js'
import { openDevice } from '#qvl/devices/open-device.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import type { Program } from '#qvl/program/program.js'
import { random, randomFloats } from '../../support/random.js'
import { expectReferenceResult } from '../support.js'

const next = random(5)
const bytesPerElement = { F32: 4, F16: 2, BF16: 2 }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-weights-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Elements as stored: any float32, or 16-bit patterns of numbers around one in size. */
function storedBytes(dtype: TensorDtype, count: number): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(randomFloats(next, count).buffer)
  const exponent = dtype === 'BF16' ? 0x3f00 : 0x3800
  const bits = Uint16Array.from({ length: count }, () => exponent | (next() & 0x80ff))
  return new Uint8Array(bits.buffer)
}

/** Writes tensors behind a header of odd length, as in a real file. */
async function store(file: string, tensors: Record<string, [TensorDtype, number[]]>): Promise<WeightTable> {
  const chunks: Uint8Array[] = [new Uint8Array(24)]
  let offset = 24
  const table = new Map<string, StoredTensor>()
  for (const [name, [dtype, shape]] of Object.entries(tensors)) {
    const count = shape.reduce((product, dim) => product * dim, 1)
    table.set(name, { dtype, shape, file, offset, bytes: count * bytesPerElement[dtype] })
    const bytes = storedBytes(dtype, count)
    chunks.push(bytes)
    offset += bytes.length
  }
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, Buffer.concat(chunks))
  return table
}

function program(): Program {
  const p = new ProgramBuilder()
  const x = p.embed(p.integers('ids', 'tokens'), 'table', 12)
  p.output('result', p.linear(p.rmsNorm(x, 'norm', 1e-6), 'w', 5, { bias: 'b' }))
  return p.build()
}

const inputs = { ids: Int32Array.of(3, 0, 8, 3) }

const tensorsOf = (dtype: TensorDtype): Record<string, [TensorDtype, number[]]> => ({
  table: [dtype, [9, 12]],
  norm: [dtype, [12]],
  w: [dtype, [5, 12]],
  b: [dtype, [5]],
})

describe('weights of ort', () => {
  it.each<TensorDtype>(['F32', 'F16', 'BF16'])('%s in a file', async (dtype) => {
    const weights = await store(path.join(folder, 'model.safetensors'), tensorsOf(dtype))
    await expectReferenceResult(await openDevice('ort'), program(), weights, inputs)
  })

  it('shards in different folders', async () => {
    const { table, norm, w, b } = tensorsOf('BF16')
    const weights = new Map([
      ...(await store(path.join(folder, 'one', 'a.safetensors'), { table: table!, w: w! })),
      ...(await store(path.join(folder, 'two', 'deep', 'b.safetensors'), { b: b! })),
      ...(await store(path.join(folder, 'c.safetensors'), { norm: norm! })),
    ])
    await expectReferenceResult(await openDevice('ort'), program(), weights, inputs)
  })

  const file = (): string => path.join(folder, 'model.safetensors')

  it.each<[string, string, (weights: WeightTable) => Promise<WeightTable>]>([
    [
      'a file that is gone',
      'CHECKPOINT_FILE_MISSING',
      async (weights) => {
        await rm(file())
        return weights
      },
    ],
    [
      'a file that is cut off',
      'CHECKPOINT_INVALID',
      async (weights) => {
        await truncate(file(), 100)
        return weights
      },
    ],
    ['a missing tensor', 'TENSOR_MISSING', async (weights) => new Map([...weights].filter(([name]) => name !== 'w'))],
    [
      'a missing table',
      'TENSOR_MISSING',
      async (weights) => new Map([...weights].filter(([name]) => name !== 'table')),
    ],
    [
      'a tensor of another shape',
      'TENSOR_INVALID',
      async (weights) => new Map(weights).set('w', { ...weights.get('w')!, shape: [12, 5] }),
    ],
    [
      'a table of another width',
      'TENSOR_INVALID',
      async (weights) => new Map(weights).set('table', { ...weights.get('table')!, shape: [12, 9] }),
    ],
  ])('%s is refused with %s', async (_, code, spoil) => {
    const weights = await spoil(await store(file(), tensorsOf('BF16')))
    const device = await openDevice('ort')
    await expect(device.load(program(), weights, {})).rejects.toMatchObject({ name: 'QvlError', code })
  })

  it('a failure of the runtime while loading is reported in our words, with the original as the cause', async () => {
    const weights = new Map(await store(file(), tensorsOf('BF16')))
    // Fewer bytes than the shape needs: only the runtime notices.
    weights.set('w', { ...(weights.get('w') as StoredTensor), bytes: 10 })
    const device = await openDevice('ort')
    const loading = device.load(program(), weights, {})
    await expect(loading).rejects.toMatchObject({ code: 'DEVICE_FAILED', cause: expect.any(Error) })
    await expect(loading).rejects.not.toThrow(/Tensor|initializer/i)
  })

  it('an id outside of the table is refused, and the next batch is answered', async () => {
    const weights = await store(file(), tensorsOf('BF16'))
    await using loaded = await (await openDevice('ort')).load(program(), weights, {})
    await expect(loaded.run({ ids: Int32Array.of(9) })).rejects.toMatchObject({ code: 'TENSOR_INVALID' })
    expect((await loaded.run(inputs)).result).toMatchObject({ rows: 4, width: 5 })
  })
})
