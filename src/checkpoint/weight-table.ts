// A checkpoint's weights as the programs name them.

import { QvlError } from '../errors.js'
import { quoteName } from './quote-name.js'
import type { SafetensorsDtype } from './safetensors-header.js'
import { openShards, type Shards, type ShardTensor } from './shards.js'
import { canonicalNames } from './tensor-names.js'
import type { StoredTensor, TensorDtype, WeightTable } from './weights.js'

export interface LoadWeightsOptions {
  /** Told about tensors that are left out. */
  warn?: (message: string) => void
}

/** Opens a folder's weights. Only headers are read. */
export async function loadWeightTable(dir: string, { warn = () => {} }: LoadWeightsOptions = {}): Promise<WeightTable> {
  return weightTable(await openShards(dir, warn), warn)
}

/**
 * The table of the float tensors, under their canonical names. Throws TENSOR_INVALID for a weight or bias of another
 * type; other tensors of other types, such as BERT's `position_ids`, are buffers and left out.
 */
export function weightTable(shards: Shards, warn: (message: string) => void): WeightTable {
  const table = new Map<string, StoredTensor>()
  for (const [canonical, name] of canonicalNames(shards.tensors.keys())) {
    const tensor = shards.tensors.get(name)!
    const { dtype, shape, file, offset, bytes } = tensor
    if (isTensorDtype(dtype)) table.set(canonical, { dtype, shape, file, offset, bytes })
    else if (/\.(weight|bias)$/.test(name)) throw unusable(tensor)
    else warn(`The tensor ${quoteName(name)} is stored as ${dtype}, which is not a type of weights; it is ignored.`)
  }
  return table
}

function isTensorDtype(dtype: SafetensorsDtype): dtype is TensorDtype {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16'
}

function unusable({ name, file, dtype }: ShardTensor): QvlError {
  return new QvlError('TENSOR_INVALID', {
    what: `The tensor ${quoteName(name)} of ${file} is stored as ${dtype}.`,
    why: 'Weights are read as F32, F16 or BF16; a quantized checkpoint cannot be used.',
    do: 'Use the original checkpoint.',
    param: quoteName(name),
  })
}
