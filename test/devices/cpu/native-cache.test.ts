import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { TensorDtype, WeightTable } from '#qvl/checkpoint/weights.js'
import type { Format, Handle } from '#qvl/devices/cpu/native.js'
import { makePlan } from '#qvl/devices/cpu/plan.js'
import { maxDifference } from '../../support/golden.js'
import { describeNative, floats, loadNative, programOf } from './native-addon.js'

const folder = mkdtempSync(join(tmpdir(), 'qvl-cpu-'))
afterAll(() => rmSync(folder, { recursive: true }))
let numFiles = 0
const freshPath = (): string => join(folder, `file-${numFiles++}`)

const [width, out, vocab] = [70, 101, 9]
const program = programOf(width, (p) => {
  const rows = p.embed(p.integers('ids', 'visual'), 'table', width)
  return p.linear(p.rmsNorm(rows, 'norm', 1e-6), 'w', out, { bias: 'b' })
})
/** Numbers that all three types hold exactly: a sign and at most 4 bits. */
const short = (count: number): Float32Array => floats(count).map((value) => Math.round(value * 15) / 16)
const values = {
  table: { shape: [vocab, width], data: short(vocab * width) },
  norm: { shape: [width], data: short(width) },
  w: { shape: [out, width], data: short(out * width) },
  b: { shape: [out], data: short(out) },
}

function encode(dtype: TensorDtype, data: Float32Array): Buffer {
  if (dtype === 'F32') return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const bits = new Uint32Array(data.slice().buffer)
  return Buffer.from(Uint16Array.from(bits, dtype === 'BF16' ? (bit) => bit >>> 16 : half).buffer)
}

/** A float32 whose number half precision holds: another bias, fewer digits. */
const half = (bits: number): number =>
  ((bits >>> 16) & 0x8000) |
  ((bits & 0x7fffffff) === 0 ? 0 : ((((bits >>> 23) & 0xff) - 112) << 10) | ((bits >>> 13) & 0x3ff))

/** The weights in a file, each at an odd offset. */
function stored(dtype: TensorDtype, file = freshPath()): WeightTable {
  const parts: Buffer[] = []
  let offset = 0
  const table = Object.entries(values).map(([name, { shape, data }]) => {
    const bytes = encode(dtype, data)
    parts.push(Buffer.alloc(1), bytes)
    offset += 1
    const at = offset
    offset += bytes.length
    return [name, { dtype, shape, file, offset: at, bytes: bytes.length }] as const
  })
  writeFileSync(file, Buffer.concat(parts))
  return new Map(table)
}

async function answer(
  weights: WeightTable,
  products: Format,
  cacheFile?: string,
): Promise<{ data: Float32Array; handle: Handle }> {
  const native = loadNative()
  const plan = makePlan(program, weights, { products })
  const handle = await native.load(plan, { threads: 2, ...(cacheFile && { cacheFile }) })
  const outputs = await native.run(handle, { x: new Float32Array(0), ids: Int32Array.of(8, 0, 3) })
  native.close(handle)
  return { data: outputs.out!.data, handle }
}

const memory: WeightTable = new Map(Object.entries(values).map(([name, value]) => [name, { dtype: 'F32', ...value }]))
const warningOf = (handle: Handle): unknown => Reflect.get(handle, 'warning')
const formats: Format[] = ['f32', 'bf16', 'i8']

describeNative('weights of the cpu device', () => {
  it.each<TensorDtype>(['F32', 'BF16', 'F16'])('are the same from memory and from a file of %s', async (dtype) => {
    for (const format of formats) {
      const wanted = await answer(memory, format)
      const { data } = await answer(stored(dtype), format)
      expect(maxDifference(data, wanted.data)).toBe(0)
    }
  })

  it.each(formats)('are packed once as %s, then mapped', async (format) => {
    const weights = stored('BF16')
    const cacheFile = freshPath()
    const first = await answer(weights, format, cacheFile)
    const { ino, mtimeMs } = statSync(cacheFile)
    const second = await answer(weights, format, cacheFile)
    expect(statSync(cacheFile)).toMatchObject({ ino, mtimeMs })
    expect(maxDifference(first.data, second.data)).toBe(0)
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
    expect([warningOf(first.handle), warningOf(second.handle)]).toEqual([undefined, undefined])
  })

  const damages: { name: string; damage: (bytes: Buffer) => Buffer }[] = [
    { name: 'cut short', damage: (bytes) => bytes.subarray(0, bytes.length - 1) },
    { name: 'empty', damage: () => Buffer.alloc(0) },
    { name: 'of another magic', damage: (bytes) => flip(bytes, 0) },
    { name: 'of another version', damage: (bytes) => flip(bytes, 8) },
    { name: 'with a damaged description', damage: (bytes) => flip(bytes, 70) },
    { name: 'with a damaged first panel', damage: (bytes) => flip(bytes, 4096) },
    { name: 'with a damaged last byte', damage: (bytes) => flip(bytes, bytes.length - 1) },
    { name: 'with every panel zero', damage: (bytes) => Buffer.from(bytes).fill(0, 4096) },
  ]
  it.each(damages)('are packed again when the file is $name', async ({ damage }) => {
    const weights = stored('BF16')
    const cacheFile = freshPath()
    const wanted = await answer(weights, 'bf16', cacheFile)
    const whole = readFileSync(cacheFile)
    writeFileSync(cacheFile, damage(whole))
    const { data } = await answer(weights, 'bf16', cacheFile)
    expect(maxDifference(data, wanted.data)).toBe(0)
    expect(readFileSync(cacheFile).equals(whole)).toBe(true)
  })

  it('are packed again when the file is of another format, or of other numbers in memory', async () => {
    const cacheFile = freshPath()
    const weights = stored('BF16')
    await answer(weights, 'f32', cacheFile)
    const wanted = await answer(weights, 'bf16')
    expect(maxDifference((await answer(weights, 'bf16', cacheFile)).data, wanted.data)).toBe(0)
    await answer(memory, 'bf16', cacheFile)
    const doubled = new Map(memory)
    doubled.set('w', { dtype: 'F32', shape: values.w.shape, data: values.w.data.map((value) => 2 * value) })
    const other = await answer(doubled, 'bf16', cacheFile)
    expect(maxDifference(other.data, (await answer(doubled, 'bf16')).data)).toBe(0)
  })

  it('replace what a killed process left half written', async () => {
    const cacheFile = freshPath()
    writeFileSync(`${cacheFile}.part`, Buffer.alloc(1_000_000, 1))
    const { handle } = await answer(stored('BF16'), 'bf16', cacheFile)
    expect(warningOf(handle)).toBeUndefined()
    expect(existsSync(`${cacheFile}.part`)).toBe(false)
  })

  it('load with a warning when the cache cannot be written', async () => {
    const taken = freshPath()
    mkdirSync(taken)
    const wanted = await answer(memory, 'bf16')
    for (const cacheFile of [join(folder, 'missing', 'file'), taken]) {
      const { data, handle } = await answer(stored('BF16'), 'bf16', cacheFile)
      expect(warningOf(handle)).toContain(cacheFile)
      expect(maxDifference(data, wanted.data)).toBe(0)
    }
    expect(existsSync(`${taken}.part`)).toBe(false)
  })

  it('cannot be loaded from a file that is missing or too short', async () => {
    const file = freshPath()
    const weights = stored('BF16', file)
    writeFileSync(file, readFileSync(file).subarray(0, -10))
    await expect(answer(weights, 'bf16')).rejects.toMatchObject({ code: 'WEIGHTS_UNREADABLE' })
    rmSync(file)
    await expect(answer(weights, 'bf16')).rejects.toMatchObject({ code: 'WEIGHTS_UNREADABLE' })
  })
})

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 0x10
  return copy
}
