// Whether a model folder in a cache is whole, told without a network: a download may have been interrupted.

import { join } from 'node:path'
import { isJsonObject } from '../fields.js'
import { readJsonFile } from '../json.js'
import { isThere } from './cache.js'
import { configName, indexName, readShardNames, tokenizerName, weightsName } from './files.js'
import type { Wanted } from './job.js'

const tokenizerNames = [tokenizerName, 'vocab.txt', 'vocab.json', 'sentencepiece.bpe.model']

/** The name of a file that the folder lacks, or undefined when it is whole. Throws CHECKPOINT_INVALID for broken JSON. */
export async function lackingFile(folder: string, wanted: Wanted): Promise<string | undefined> {
  if (wanted === 'tokenizer') return (await isThere(join(folder, tokenizerName))) ? undefined : tokenizerName
  const weights = wanted === 'checkpoint' ? await weightNames(folder) : []
  const lacking = await firstLacking(folder, [configName, ...weights, ...(await poolingNames(folder))])
  if (lacking !== undefined) return lacking
  const tokenizers = await Promise.all(tokenizerNames.map((name) => isThere(join(folder, name))))
  return tokenizers.includes(true) ? undefined : tokenizerNames[0]
}

/** Whether all weights are there. Throws CHECKPOINT_INVALID for an index that cannot be used. */
export async function hasWeights(folder: string): Promise<boolean> {
  return (await firstLacking(folder, await weightNames(folder))) === undefined
}

async function firstLacking(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (!(await isThere(join(folder, name)))) return name
  return undefined
}

async function weightNames(folder: string): Promise<string[]> {
  const path = join(folder, indexName)
  if (!(await isThere(path))) return [weightsName]
  return readShardNames(path)
}

/** The configuration of the pooling modules that modules.json lists: without it, embeddings would be pooled wrongly. */
async function poolingNames(folder: string): Promise<string[]> {
  const path = join(folder, 'modules.json')
  if (!(await isThere(path))) return []
  const modules = await readJsonFile(path, { what: 'the list of modules' })
  return Array.isArray(modules) ? modules.filter(isPooling).map((each) => `${each.path}/${configName}`) : []
}

function isPooling(module: unknown): module is { path: string } {
  if (!isJsonObject(module)) return false
  const { type, path } = module
  return typeof type === 'string' && type.endsWith('.Pooling') && typeof path === 'string' && path !== ''
}
