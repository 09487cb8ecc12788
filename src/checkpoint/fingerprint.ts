// A checkpoint's identity: changes when its configuration, tokenizer or weights change, and is quick for large files.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { QvlError } from '../errors.js'
import { isMissing, openRegularFile, readFully } from './file-bytes.js'
import type { SafetensorsFile } from './safetensors.js'
import { limitsNames, type SentenceModule } from './sentence-transformers.js'

/** The small files that decide what a model computes. */
const smallFiles = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'modules.json',
  'config_sentence_transformers.json',
  ...limitsNames,
]
/** The tokenizers of the largest vocabularies have about 35 MB. */
const maxSmallFileBytes = 200_000_000
/** Read from the middle of every tensor: fine-tuned weights have the same headers and sizes as their originals. */
const sampleBytes = 64

export interface FingerprintedFiles {
  weights: readonly SafetensorsFile[]
  /** Each may have a configuration in its folder, such as how to pool. */
  modules: readonly SentenceModule[]
}

/** sha256, hex, over the small files, and each weights file's header, size and a few bytes of every tensor. */
export async function fingerprintCheckpoint(dir: string, { weights, modules }: FingerprintedFiles): Promise<string> {
  const hash = createHash('sha256')
  const moduleFiles = modules.filter(({ path }) => path !== '').map(({ path }) => `${path}/config.json`)
  for (const name of [...smallFiles, ...moduleFiles]) {
    const bytes = await readSmallFile(join(dir, name))
    hash.update(`${name} ${bytes === undefined ? 'absent' : bytes.length}\n`)
    if (bytes !== undefined) hash.update(bytes)
  }
  for (const file of weights) {
    hash.update(`weights ${file.size} ${file.headerSha256}\n`)
    hash.update(await sampleTensors(file))
  }
  return hash.digest('hex')
}

async function readSmallFile(path: string): Promise<Uint8Array | undefined> {
  try {
    await using file = await openRegularFile(path)
    if (file.size > maxSmallFileBytes) {
      throw new QvlError('CHECKPOINT_INVALID', {
        what: `${path} is too large.`,
        why: `It has ${file.size} bytes; at most ${maxSmallFileBytes} are allowed.`,
        do: 'Check that it is the right file.',
      })
    }
    const bytes = new Uint8Array(file.size)
    await readFully(file.handle, path, bytes, 0)
    return bytes
  } catch (error) {
    if (error instanceof QvlError && isMissing(error.details.cause)) return undefined
    throw error
  }
}

async function sampleTensors({ file, tensors }: SafetensorsFile): Promise<Uint8Array> {
  const samples = new Uint8Array(tensors.size * sampleBytes)
  await using opened = await openRegularFile(file)
  let at = 0
  for (const { offset, bytes } of tensors.values()) {
    const length = Math.min(bytes, sampleBytes)
    const middle = offset + Math.floor((bytes - length) / 2)
    await readFully(opened.handle, file, samples.subarray(at, at + length), middle)
    at += length
  }
  return samples
}
