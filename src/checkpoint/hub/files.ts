// Which files of a repository qvl needs, told from their names and the weight index.

import { QvlError } from '../../errors.js'
import { isJsonObject } from '../fields.js'
import { readJsonFile } from '../json.js'
import { quoteName } from '../quote-name.js'
import { limitsNames } from '../sentence-transformers.js'
import type { Wanted } from './job.js'
import { isInside } from './ref.js'

export const configName = 'config.json'
export const indexName = 'model.safetensors.index.json'
export const weightsName = 'model.safetensors'
export const tokenizerName = 'tokenizer.json'

const rootNames = new Set<string>([
  configName,
  indexName,
  tokenizerName,
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'vocab.txt',
  'sentencepiece.bpe.model',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'video_preprocessor_config.json',
  'modules.json',
  ...limitsNames,
  'config_sentence_transformers.json',
])

/** What a tokenizer and its chat template are read from. */
const tokenizerNames = new Set([tokenizerName, 'tokenizer_config.json', 'chat_template.jinja'])

/** Sentence-transformers keeps each module after the first in a folder such as 1_Pooling. */
const moduleFile = /^\d+_[A-Za-z]+\/(config\.json|model\.safetensors)$/

/** Index files of 60 MB have been published. */
const maxIndexBytes = 100_000_000

/** A plain file name: no folder, and no Windows drive. */
const shardName = /^[^/:]+\.safetensors$/

/** Formats that hold weights but that qvl does not read, with what to say about them. */
const otherWeights: readonly [pattern: RegExp, text: string][] = [
  [/\.(bin|pt|pth|ckpt)$/, 'PyTorch pickles, which can run code when they are read'],
  [/\.gguf$/, 'GGUF files'],
  [/\.onnx$/, 'ONNX files'],
  [/\.safetensors$/, 'safetensors files under other names'],
]

export interface NeededFiles {
  /** The configuration, tokenizer and module files. */
  small: string[]
  /** The weights, or undefined when the index has to say. */
  weights: string[] | undefined
}

/** The files to fetch of a repository with these names. Throws CHECKPOINT_FILE_MISSING, MODEL_UNSUPPORTED. */
export function neededFiles(id: string, names: readonly string[]): NeededFiles {
  for (const name of names) if (!isInside(name)) throw outside(id, name)
  if (!names.includes(configName)) {
    throw new QvlError('CHECKPOINT_FILE_MISSING', {
      what: `${id} has no ${configName}.`,
      why: 'A repository without it is not a checkpoint that can be run.',
      do: 'Check the name and the revision.',
    })
  }
  const small = names.filter((name) => rootNames.has(name) || moduleFile.test(name))
  if (names.includes(indexName)) return { small, weights: undefined }
  if (names.includes(weightsName)) return { small, weights: [weightsName] }
  throw noWeights(id, names)
}

/** All but the weights. Throws as `neededFiles`. */
export function neededSmallFiles(id: string, names: readonly string[]): NeededFiles {
  return { small: neededFiles(id, names).small, weights: [] }
}

/** The files of the tokenizer alone, in a repository with these names. Throws CHECKPOINT_FILE_MISSING. */
export function neededTokenizerFiles(id: string, names: readonly string[]): NeededFiles {
  if (names.includes(tokenizerName)) return { small: names.filter((name) => tokenizerNames.has(name)), weights: [] }
  throw new QvlError('CHECKPOINT_FILE_MISSING', {
    what: `${id} has no ${tokenizerName}.`,
    why: 'qvl reads tokenizers in this format only.',
    do: 'Pass --tokenizer with the name of a repository or a folder that has it.',
  })
}

/** What is needed of a repository, by what is wanted. */
export const neededFor: Readonly<Record<Wanted, (id: string, names: readonly string[]) => NeededFiles>> = {
  checkpoint: neededFiles,
  withoutWeights: neededSmallFiles,
  tokenizer: neededTokenizerFiles,
}

/** The shards that the index file at `path` names. Throws CHECKPOINT_INVALID. */
export async function readShardNames(path: string): Promise<string[]> {
  const index = await readJsonFile(path, { what: 'a weight index', maxBytes: maxIndexBytes })
  const map = isJsonObject(index) ? index.weight_map : undefined
  const shards = isJsonObject(map) ? [...new Set(Object.values(map))] : []
  if (shards.length > 0 && shards.every(isShardName)) return shards.sort()
  throw new QvlError('CHECKPOINT_INVALID', {
    what: `${path} cannot be used as a weight index.`,
    why: 'Its weight_map must name, for each tensor, a .safetensors file in the same folder.',
    do: 'Download the file again, or use another checkpoint.',
    param: 'weight_map',
  })
}

/** Throws CHECKPOINT_FILE_MISSING when the index names a shard that the repository lacks. */
export function checkShards(id: string, shards: readonly string[], names: readonly string[]): void {
  const lacking = shards.find((shard) => !names.includes(shard))
  if (lacking === undefined) return
  throw new QvlError('CHECKPOINT_FILE_MISSING', {
    what: `${id} has no ${quoteName(lacking)}.`,
    why: `${indexName} names this file, but the repository does not list it.`,
    do: 'Try another revision, or report it to the owner of the repository.',
  })
}

function isShardName(name: unknown): name is string {
  return typeof name === 'string' && shardName.test(name) && isInside(name)
}

function outside(id: string, name: string): QvlError {
  return new QvlError('MODEL_UNSUPPORTED', {
    what: `${id} lists a file named ${quoteName(name)}.`,
    why: 'A file of this name could land outside the folder of the model.',
    do: 'Do not use this repository.',
  })
}

function noWeights(id: string, names: readonly string[]): QvlError {
  const found = otherWeights.find(([pattern]) => names.some((name) => pattern.test(name)))
  return new QvlError('MODEL_UNSUPPORTED', {
    what: `${id} has no ${weightsName} and no ${indexName}.`,
    why: found ? `Its weights are ${found[1]}.` : 'It holds no weights.',
    do: 'Use a repository or a revision with safetensors weights, or convert it with transformers (save_pretrained).',
  })
}
