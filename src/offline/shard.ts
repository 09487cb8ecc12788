// One machine's part of a job: a run of whole lines, so that the outputs of all parts, joined in order, are that of the job.

import path from 'node:path'

/** Part `index` of `count`, counted from 1. */
export interface Shard {
  index: number
  count: number
}

/** Lines whose first byte is from `start` up to but not including `end` belong to it. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * Parts of about as many bytes each, since long lines take longer: machines that see the same file agree without talking.
 * Every line is in exactly one of them; with more parts than lines some are empty.
 */
export function shardRange({ index, count }: Shard, totalBytes: number): ByteRange {
  const end = (part: number): number => Math.floor((totalBytes * part) / count)
  return { start: end(index - 1), end: end(index) }
}

const digits = 5
/** More would not fit into the names of the files, which sort as they count. */
export const maxShards = 10 ** digits - 1

/** `out.jsonl` of part 2 of 8 is `out-00002-of-00008.jsonl`, so that parts on a shared disk do not meet. */
export function shardFile(file: string, { index, count }: Shard): string {
  const { dir, name, ext } = path.parse(file)
  const number = (value: number): string => String(value).padStart(digits, '0')
  return path.join(dir, `${name}-${number(index)}-of-${number(count)}${ext}`)
}
