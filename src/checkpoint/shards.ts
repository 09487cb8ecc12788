// A folder's safetensors files: one model.safetensors, or the shards that model.safetensors.index.json lists.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { QvlError } from '../errors.js'
import { Fields } from './fields.js'
import { isMissing } from './file-bytes.js'
import { readOptionalJsonFile } from './json.js'
import { quoteName } from './quote-name.js'
import { openSafetensors, type SafetensorsFile } from './safetensors.js'
import type { SafetensorsEntry } from './safetensors-header.js'

const singleName = 'model.safetensors'
const indexName = 'model.safetensors.index.json'
/** As large as a header may be: index files of 60 MB have been published. */
const maxIndexBytes = 100_000_000
const maxShards = 10_000

export interface ShardTensor extends SafetensorsEntry {
  /** Absolute path of the real file. */
  file: string
}

export interface Shards {
  files: readonly SafetensorsFile[]
  tensors: ReadonlyMap<string, ShardTensor>
}

/** `warn` is told about tensors that no index entry names; they are left out. */
export async function openShards(dir: string, warn: (message: string) => void): Promise<Shards> {
  const index = await readIndex(join(dir, indexName))
  if (index === undefined) return openSingle(dir)
  const shardNames = new Set(index.shardOf.values())
  if (shardNames.size > maxShards) throw invalidIndex(index.file, `It names more than ${maxShards} files.`)
  const files: SafetensorsFile[] = []
  const tensors = new Map<string, ShardTensor>()
  for (const shardName of shardNames) {
    const shard = await openSafetensors(join(dir, shardName))
    files.push(shard)
    for (const tensor of listedTensors(shard, shardName, index, warn)) tensors.set(tensor.name, tensor)
  }
  for (const [name, shardName] of index.shardOf) {
    if (!tensors.has(name)) throw notInShard(name, join(dir, shardName), index.file)
  }
  return { files, tensors }
}

async function openSingle(dir: string): Promise<Shards> {
  const single = await openSafetensors(join(dir, singleName)).catch(async (error: unknown) => {
    if (error instanceof QvlError && isMissing(error.details.cause)) throw await noWeights(dir)
    throw error
  })
  const { file } = single
  return {
    files: [single],
    tensors: new Map([...single.tensors].map(([name, entry]) => [name, { ...entry, file }])),
  }
}

/** The tensors of a shard that the index places there. */
function listedTensors(
  shard: SafetensorsFile,
  shardName: string,
  index: ShardIndex,
  warn: (message: string) => void,
): ShardTensor[] {
  const listed: ShardTensor[] = []
  const unlisted: string[] = []
  for (const [name, entry] of shard.tensors) {
    const place = index.shardOf.get(name)
    if (place === undefined) unlisted.push(name)
    else if (place === shardName) listed.push({ ...entry, file: shard.file })
    else
      throw invalidIndex(index.file, `The tensor ${quoteName(name)} is stored twice: in ${place} and in ${shardName}.`)
  }
  const [first, ...others] = unlisted
  if (first !== undefined) {
    const more = others.length === 0 ? '' : ` and ${others.length} more`
    warn(`${shardName} holds tensors that ${indexName} does not name; they are ignored: ${quoteName(first)}${more}.`)
  }
  return listed
}

interface ShardIndex {
  file: string
  /** Tensor name to the file name of its shard. */
  shardOf: ReadonlyMap<string, string>
}

async function readIndex(file: string): Promise<ShardIndex | undefined> {
  const raw = await readOptionalJsonFile(file, { what: 'an index of shards', maxBytes: maxIndexBytes })
  if (raw === undefined) return undefined
  const weightMap = new Fields(raw, { file, code: 'CHECKPOINT_INVALID' }).object('weight_map')
  const shardOf = new Map<string, string>()
  for (const name of weightMap.names()) {
    const shardName = weightMap.string(name)
    if (!isPlainShardName(shardName)) {
      throw invalidIndex(
        file,
        `It puts the tensor ${quoteName(name)} in ${quoteName(shardName)}, which is not the plain name of a .safetensors file.`,
      )
    }
    shardOf.set(name, shardName)
  }
  if (shardOf.size === 0) throw invalidIndex(file, 'Its weight_map is empty.')
  return { file, shardOf }
}

/** A name in the same folder: no separators of any system, no drive letters, no control characters, not hidden. */
function isPlainShardName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors$/.test(name) && name.length <= 255
}

function invalidIndex(file: string, why: string): QvlError {
  return new QvlError('CHECKPOINT_INVALID', {
    what: `${file} is not a valid index.`,
    why,
    do: 'Download the checkpoint again.',
  })
}

function notInShard(name: string, shard: string, indexFile: string): QvlError {
  return new QvlError('TENSOR_MISSING', {
    what: `The tensor ${quoteName(name)} is not in ${shard}.`,
    why: `${indexFile} says it is stored there.`,
    do: 'Download the checkpoint again.',
    param: quoteName(name),
  })
}

/** Why a folder without safetensors files cannot be used: other formats are named, none of them is ever read. */
async function noWeights(dir: string): Promise<QvlError> {
  const names = await readdir(dir)
  const other = names.find((name) => /\.(bin|pt|pth|ckpt|pkl|gguf|onnx|h5|msgpack)$/.test(name))
  if (other === undefined) {
    return new QvlError('CHECKPOINT_FILE_MISSING', {
      what: `${dir} has no weights.`,
      why: `There is neither ${singleName} nor ${indexName} in it.`,
      do: 'Check the folder, or download the checkpoint again.',
    })
  }
  return new QvlError('MODEL_UNSUPPORTED', {
    what: `${dir} has no safetensors weights, only files such as ${quoteName(other)}.`,
    why: 'qvl reads safetensors and no other format; a PyTorch .bin file can run code when it is opened.',
    do: 'Use a revision of the checkpoint with safetensors, or convert it with transformers (save_pretrained).',
  })
}
