// Random weights for a shape alone: one small file on disk that every tensor of the model points into.

import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredTensor, WeightTable } from '../../checkpoint/weights.js'
import { normalNumbers } from './random.js'

/** The spread that trained checkpoints start from (`initializer_range`). */
const deviation = 0.02
/** Numbers made; the file repeats them. A prime, so that rows of a matrix are shifted against each other. */
const period = 1_000_003
/** Tensors begin at multiples of this, as they do in most safetensors files. */
const alignment = 64
const bytesPerNumber = 2
const bfloat16One = 0x3f80

/**
 * Weights of the given shapes in bfloat16: ones for norms (vectors, but for biases), about N(0, 0.02²) for everything
 * else, the same for the same seed. The file is as large as the largest tensor; tensors overlap in it, which no
 * measurement of time can tell. It is written to `folder`, and belongs to the caller.
 */
export async function makeDummyWeights(
  shapes: ReadonlyMap<string, readonly number[]>,
  { folder, seed }: { folder: string; seed: number },
): Promise<WeightTable> {
  const file = join(folder, 'weights.bin')
  const sizes = { random: largest(shapes, false), ones: largest(shapes, true) }
  await writeNumbers(file, sizes, seed)
  return tableOver(file, sizes, shapes)
}

/** Bytes of the two regions of the file, random numbers first. */
interface Sizes {
  random: number
  ones: number
}

const isNorm = (name: string, shape: readonly number[]): boolean => shape.length === 1 && !name.endsWith('.bias')

const bytesOf = (shape: readonly number[]): number => shape.reduce((product, axis) => product * axis, bytesPerNumber)

const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment

function largest(shapes: ReadonlyMap<string, readonly number[]>, norms: boolean): number {
  const sizes = [...shapes].filter(([name, shape]) => isNorm(name, shape) === norms).map(([, shape]) => bytesOf(shape))
  return aligned(Math.max(0, ...sizes))
}

async function writeNumbers(file: string, { random, ones }: Sizes, seed: number): Promise<void> {
  const numbers = randomBytes(Math.min(period, random / bytesPerNumber), seed)
  await using handle = await open(file, 'wx', 0o600)
  for (let left = random; left > 0; left -= numbers.length) {
    await handle.writeFile(numbers.subarray(0, Math.min(left, numbers.length)))
  }
  await handle.writeFile(new Uint8Array(new Uint16Array(ones / bytesPerNumber).fill(bfloat16One).buffer))
}

function randomBytes(count: number, seed: number): Uint8Array {
  const next = normalNumbers(seed)
  const floats = Float32Array.from({ length: count }, () => deviation * next())
  // bfloat16 is the upper half of a float32.
  const halves = Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16)
  return new Uint8Array(halves.buffer)
}

function tableOver(file: string, sizes: Sizes, shapes: ReadonlyMap<string, readonly number[]>): WeightTable {
  const table = new Map<string, StoredTensor>()
  for (const [name, shape] of shapes) {
    const bytes = bytesOf(shape)
    const offset = isNorm(name, shape) ? sizes.random : spread(table.size, sizes.random - bytes)
    table.set(name, { dtype: 'BF16', shape, file, offset, bytes })
  }
  return table
}

/** Different places for different tensors, so that a layer is not the same matrix several times. */
function spread(index: number, room: number): number {
  const places = Math.floor(room / alignment) + 1
  return ((index * 7919) % places) * alignment
}
