// Golden checkpoints with some files changed, in temporary folders.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { bytesOf, type TensorToWrite, writeSafetensors } from '../checkpoint/folders.js'
import { goldenPath } from './golden.js'

export interface Changes {
  /** JSON files: fields that replace those of the file, a list in place of the file, or undefined to remove it. */
  files?: Record<string, object | undefined>
  /** Tensors in float32 that come to those of the file. */
  tensors?: Record<string, { shape: number[]; data: Float32Array }>
}

/** Removed when the test ends. */
export function variantOf(name: string, { files = {}, tensors = {} }: Changes): string {
  const dir = mkdtempSync(join(tmpdir(), 'qvl-variant-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  cpSync(goldenPath(`checkpoints/${name}`), dir, { recursive: true })
  for (const [file, fields] of Object.entries(files)) changeFile(join(dir, file), fields)
  if (Object.keys(tensors).length > 0) addTensors(join(dir, 'model.safetensors'), tensors)
  return dir
}

function changeFile(path: string, fields: object | undefined): void {
  if (fields === undefined) {
    rmSync(path)
    return
  }
  const old = Array.isArray(fields) ? undefined : JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify(old === undefined ? fields : { ...old, ...fields }))
}

function addTensors(path: string, added: NonNullable<Changes['tensors']>): void {
  const tensors = readSafetensors(path)
  for (const [name, { shape, data }] of Object.entries(added))
    tensors[name] = { dtype: 'F32', shape, data: bytesOf(data) }
  writeSafetensors(path, tensors)
}

function readSafetensors(path: string): Record<string, TensorToWrite> {
  const bytes = readFileSync(path)
  const start = 8 + Number(bytes.readBigUInt64LE(0))
  const { __metadata__: _, ...header } = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  return Object.fromEntries(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => [name, { dtype, shape, data: bytes.subarray(start + from, start + to) }],
    ),
  )
}
