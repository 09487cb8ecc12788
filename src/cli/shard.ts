// The flag --shard as a part of a job.

import { QvlError } from '../errors.js'
import { maxShards, type Shard } from '../offline/shard.js'
import type { LinesInput } from './lines-input.js'
import type { Settings } from './settings.js'

/** Undefined when the whole input is asked for. Throws USAGE. */
export function shardOf({ shard, explain }: Settings, { kind }: LinesInput): Shard | undefined {
  if (shard === undefined) return undefined
  const [, index = 0, count = 0] = /^(\d{1,9})\/(\d{1,9})$/.exec(shard)?.map(Number) ?? []
  if (index < 1 || count < index || count > maxShards) {
    throw usage(`--shard ${shard} names no part.`, `The second of four is 2/4; there are ${maxShards} at most.`)
  }
  if (kind !== 'file') {
    throw usage('--shard needs an input file.', 'Parts are cut by the size of the input, which only a file has.')
  }
  if (explain) throw usage('--shard does not go with --explain.', 'Explanations are for a few lines.')
  return { index, count }
}

const usage = (what: string, why: string): QvlError =>
  new QvlError('USAGE', { what, why, do: 'Change the flag, or leave it out.', param: '--shard' })
