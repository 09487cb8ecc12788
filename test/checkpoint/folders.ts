// Temporary folders, safetensors files written by hand, and the check for an expected error.

import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { QvlError } from '#qvl/errors.js'
import { goldenPath } from '../support/golden.js'

/** An empty folder, removed when the test ends. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'qvl-checkpoint-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A writable copy of a golden checkpoint's top folder. */
export function copyOfGolden(name: string): string {
  const from = goldenPath(`checkpoints/${name}`)
  const dir = temporaryFolder()
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isFile()) copyFileSync(join(from, entry.name), join(dir, entry.name))
  }
  return dir
}

/** A file with this header, as text or bytes, and this data. `length` replaces the header's length. */
export function safetensorsBytes(header: string | Uint8Array, data: Uint8Array, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? Buffer.from(header) : header
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(length ?? BigInt(text.length))
  return Buffer.concat([prefix, text, data])
}

export interface TensorToWrite {
  dtype: string
  shape: number[]
  data: Uint8Array
}

/** Writes a valid safetensors file with the tensors in this order. */
export function writeSafetensors(path: string, tensors: Record<string, TensorToWrite>): void {
  let end = 0
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
      const begin = end
      end += data.length
      return [name, { dtype, shape, data_offsets: [begin, end] }]
    }),
  )
  const data = Buffer.concat(Object.values(tensors).map((tensor) => tensor.data))
  writeFileSync(path, safetensorsBytes(JSON.stringify(header), data))
}

/** The bytes of 16-bit or 32-bit numbers as they are stored. */
export const bytesOf = (values: Uint16Array | Uint32Array | Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

/** Runs `action`, which has to fail with this code and with every one of these words in its message. */
export async function expectError(action: () => unknown, code: string, words: string | string[]): Promise<void> {
  const error = await errorOf(action)
  expect(error.code, error.message).toBe(code)
  for (const word of [words].flat()) expect(error.message).toContain(word)
  expect(error.details.why).toBeTruthy()
  expect(error.details.do).toBeTruthy()
}

/** The QvlError that `action` fails with. */
export async function errorOf(action: () => unknown): Promise<QvlError> {
  const error = await Promise.resolve()
    .then(action)
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
  if (!(error instanceof QvlError)) throw new Error(`expected a QvlError, got ${error}`)
  return error
}
