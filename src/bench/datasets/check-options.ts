// Refuses flags of a dataset that cannot be meant, before anything is drawn or read.

import { QvlError } from '../../errors.js'
import type { DatasetSettings } from './options.js'
import type { BenchTokenizer } from './tokenizer.js'

/** NumPy takes no larger seed. */
const maxSeed = 2 ** 32 - 1

type NumberName =
  | 'seed'
  | 'numPrompts'
  | 'randomInputLen'
  | 'randomOutputLen'
  | 'randomPrefixLen'
  | 'randomBatchSize'
  | 'prefixRepetitionPrefixLen'
  | 'prefixRepetitionSuffixLen'
  | 'prefixRepetitionNumPrefixes'

const ranges: readonly [name: NumberName, flag: string, min: number, max: number][] = [
  ['seed', '--seed', 0, maxSeed],
  ['randomInputLen', '--random-input-len', 0, Number.MAX_SAFE_INTEGER],
  ['randomOutputLen', '--random-output-len', 0, Number.MAX_SAFE_INTEGER],
  ['randomPrefixLen', '--random-prefix-len', 0, Number.MAX_SAFE_INTEGER],
  ['randomBatchSize', '--random-batch-size', 1, Number.MAX_SAFE_INTEGER],
  ['prefixRepetitionPrefixLen', '--prefix-repetition-prefix-len', 0, Number.MAX_SAFE_INTEGER],
  ['prefixRepetitionSuffixLen', '--prefix-repetition-suffix-len', 1, Number.MAX_SAFE_INTEGER],
  ['prefixRepetitionNumPrefixes', '--prefix-repetition-num-prefixes', 1, Number.MAX_SAFE_INTEGER],
]

/** Throws USAGE. */
export function checkRanges(settings: DatasetSettings): void {
  const takesAllRows = settings.name === 'custom' || settings.name === 'custom_image'
  const minPrompts = takesAllRows ? Number.MIN_SAFE_INTEGER : 1
  const numPrompts = ['numPrompts', '--num-prompts', minPrompts, Number.MAX_SAFE_INTEGER] as const
  for (const [name, flag, min, max] of [numPrompts, ...ranges]) {
    const value = settings[name]
    if (Number.isSafeInteger(value) && value >= min && value <= max) continue
    throw new QvlError('USAGE', {
      what: `${flag} has the value ${value}.`,
      why: `It must be a whole number ${max === maxSeed ? `from ${min} to ${max}` : `of at least ${min}`}.`,
      do: 'Correct the flag.',
      param: flag,
    })
  }
}

/** The file of a dataset that is read from one. Throws USAGE. */
export function requirePath({ name, datasetPath }: DatasetSettings): string {
  if (datasetPath !== undefined) return datasetPath
  throw new QvlError('USAGE', {
    what: `The dataset ${name} needs a file.`,
    why: 'Its prompts are read, not drawn.',
    do: 'Pass --dataset-path.',
    param: '--dataset-path',
  })
}

/** Throws USAGE when a dataset that is drawn was given a file. */
export function refusePath({ name, datasetPath }: DatasetSettings): void {
  if (datasetPath === undefined) return
  throw new QvlError('USAGE', {
    what: `--dataset-path was given with the dataset ${name}.`,
    why: 'Its prompts are drawn, not read.',
    do: 'Leave --dataset-path out, or choose the dataset custom, custom_image or sharegpt.',
    param: '--dataset-path',
  })
}

/** Throws USAGE. */
export function requireTokenizer({ name, tokenizer }: DatasetSettings): BenchTokenizer {
  if (tokenizer !== undefined) return tokenizer
  throw new QvlError('USAGE', {
    what: `The dataset ${name} needs a tokenizer.`,
    why: 'Its prompts have a number of tokens, which only a tokenizer can count.',
    do: 'Leave --skip-tokenizer-init out.',
    param: '--skip-tokenizer-init',
  })
}
