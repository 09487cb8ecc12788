// Values of dataset flags that are more than a number or a word.

import { QvlError } from '../../errors.js'
import type { MediaBucket, RangeRatio } from './options.js'
import { isRecord } from './rows.js'

/** `--random-range-ratio`: `0.2` or `{"input": 0.2, "output": 0}`. Throws USAGE. */
export function parseRangeRatio(given: string): RangeRatio {
  const value = given.trim() === '' ? undefined : parseJson(given)
  if (typeof value === 'number') return value
  if (isRecord(value) && typeof value.input === 'number' && typeof value.output === 'number') {
    return { input: value.input, output: value.output }
  }
  throw unusable('--random-range-ratio', given, 'It is neither a number nor {"input": number, "output": number}.')
}

/** `--random-mm-limit-mm-per-prompt`: `{"image": 3, "video": 0}`. Throws USAGE. */
export function parseMediaLimits(given: string): Record<string, number> {
  const value = parseJson(given)
  const limits: Record<string, number> = {}
  if (!isRecord(value)) throw unusable('--random-mm-limit-mm-per-prompt', given, 'It is not {"image": number, …}.')
  for (const [modality, limit] of Object.entries(value)) {
    if (typeof limit !== 'number') throw unusable('--random-mm-limit-mm-per-prompt', given, `${modality} is no number.`)
    limits[modality] = limit
  }
  return limits
}

const bucket = /^\s*["']?\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)["']?\s*:\s*([\d.eE+-]+)\s*$/

/** `--random-mm-bucket-config`: a Python dict `{(256, 256, 1): 0.5, …}`, or JSON with such keys as strings. Throws USAGE. */
export function parseMediaBuckets(given: string): MediaBucket[] {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(given)?.[1]
  // A comma between entries follows a number; those in a key are inside its parentheses.
  const entries = inner?.replace(/,\s*$/, '').split(/,(?![^(]*\))/)
  const buckets = entries?.map((entry) => bucket.exec(entry)?.slice(1).map(Number))
  return (buckets ?? [undefined]).map((numbers) => {
    const [height, width, frames, probability] = numbers ?? []
    if (height !== undefined && width !== undefined && frames !== undefined && Number.isFinite(probability)) {
      return { height, width, frames, probability: probability! }
    }
    throw unusable('--random-mm-bucket-config', given, 'It is not {(height, width, frames): probability, …}.')
  })
}

function parseJson(given: string): unknown {
  try {
    return JSON.parse(given)
  } catch {
    return undefined
  }
}

function unusable(flag: string, given: string, why: string): QvlError {
  return new QvlError('USAGE', { what: `${flag} has the value ${given}.`, why, do: 'See --help.', param: flag })
}
