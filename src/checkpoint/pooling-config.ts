// How sentence-transformers turns token vectors into one: the Pooling module's config.json, in both of its dialects.

import { hiddenRange } from './config-limits.js'
import type { Fields } from './fields.js'

export type PoolingMode = 'cls' | 'max' | 'mean' | 'meanSqrtLength' | 'weightedMean' | 'lastToken'

export interface PoolingConfig {
  /** Several modes are concatenated, in this order. */
  modes: readonly PoolingMode[]
  dimension: number | undefined
  /** Whether the tokens of a prompt count in a mean. */
  includePrompt: boolean
}

/** The older dialect's booleans, in the order the library concatenates. */
const flags: readonly [field: string, mode: PoolingMode][] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'meanSqrtLength'],
  ['pooling_mode_weightedmean_tokens', 'weightedMean'],
  ['pooling_mode_lasttoken', 'lastToken'],
]

/** The newer dialect's names. */
const names = new Map<string, PoolingMode>([
  ['cls', 'cls'],
  ['max', 'max'],
  ['mean', 'mean'],
  ['mean_sqrt_len_tokens', 'meanSqrtLength'],
  ['weightedmean', 'weightedMean'],
  ['lasttoken', 'lastToken'],
])

export function parsePooling(fields: Fields): PoolingConfig {
  return {
    modes: fields.has('pooling_mode') ? namedModes(fields) : flaggedModes(fields),
    dimension:
      fields.optionalInt('embedding_dimension', hiddenRange) ??
      fields.optionalInt('word_embedding_dimension', hiddenRange),
    includePrompt: fields.optionalBoolean('include_prompt') ?? true,
  }
}

function namedModes(fields: Fields): PoolingMode[] {
  const field = 'pooling_mode'
  const given = fields.isList(field) ? (fields.optionalStrings(field) ?? []) : [fields.string(field)]
  const modes = given.flatMap((name) => names.get(name) ?? [])
  if (modes.length === 0 || modes.length !== given.length) {
    throw fields.invalid(field, `one of ${[...names.keys()].join(', ')}`)
  }
  return modes
}

function flaggedModes(fields: Fields): PoolingMode[] {
  const modes = flags.filter(([field]) => fields.optionalBoolean(field)).map(([, mode]) => mode)
  if (modes.length === 0) throw fields.invalid('pooling_mode', 'given, or one of the pooling_mode_... fields be true')
  return modes
}
