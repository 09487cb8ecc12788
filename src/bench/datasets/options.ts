// What a dataset is made from: vLLM's flags and their defaults.

import type { BenchTokenizer } from './tokenizer.js'

export const datasetNames = [
  'random',
  'random-rerank',
  'random-mm',
  'custom',
  'custom_image',
  'sharegpt',
  'prefix_repetition',
] as const
export type DatasetName = (typeof datasetNames)[number]

/** A spread of lengths, `--random-range-ratio`: one number, or one for inputs and one for outputs. */
export type RangeRatio = number | { input: number; output: number }

/** One entry of --random-mm-bucket-config, `{(height, width, frames): probability}`; one frame is an image. */
export interface MediaBucket {
  height: number
  width: number
  frames: number
  probability: number
}

/** Named as vLLM's flags; `datasetDefaults` and false where absent. */
export interface DatasetOptions {
  name: DatasetName
  /** Absent with --skip-tokenizer-init: then custom files alone work, and every prompt counts as one token. */
  tokenizer?: BenchTokenizer | undefined
  /** Below 2^32. */
  seed?: number | undefined
  /** 0 or less means every row of a custom file. */
  numPrompts?: number | undefined
  /** The file of custom, custom_image and sharegpt, refused with the others. */
  datasetPath?: string | undefined
  noOversample?: boolean | undefined
  disableShuffle?: boolean | undefined
  skipChatTemplate?: boolean | undefined
  chatTemplateKwargs?: Readonly<Record<string, unknown>> | undefined
  randomInputLen?: number | undefined
  /** Outputs are not asked of a pooling server, but their lengths are drawn, so that later draws equal vLLM's. */
  randomOutputLen?: number | undefined
  randomRangeRatio?: RangeRatio | undefined
  randomPrefixLen?: number | undefined
  randomBatchSize?: number | undefined
  noReranker?: boolean | undefined
  /** Ours: a new query per rerank request, since one query for all measures the prefix cache. */
  randomUniqueQueries?: boolean | undefined
  randomMmBaseItemsPerRequest?: number | undefined
  randomMmNumMmItemsRangeRatio?: number | undefined
  randomMmLimitMmPerPrompt?: Readonly<Record<string, number>> | undefined
  /** In the order given, for the order takes part in the draws. */
  randomMmBucketConfig?: readonly MediaBucket[] | undefined
  customEnsureClientSideData?: boolean | undefined
  sharegptOutputLen?: number | undefined
  prefixRepetitionPrefixLen?: number | undefined
  prefixRepetitionSuffixLen?: number | undefined
  prefixRepetitionNumPrefixes?: number | undefined
  signal?: AbortSignal | undefined
}

export const datasetDefaults = {
  seed: 0,
  numPrompts: 1000,
  randomInputLen: 1024,
  randomOutputLen: 128,
  randomRangeRatio: 0,
  randomPrefixLen: 0,
  randomBatchSize: 1,
  randomMmBaseItemsPerRequest: 1,
  randomMmNumMmItemsRangeRatio: 0,
  randomMmLimitMmPerPrompt: { image: 255, video: 1 },
  randomMmBucketConfig: [
    { height: 256, width: 256, frames: 1, probability: 0.5 },
    { height: 720, width: 1280, frames: 1, probability: 0.5 },
  ],
  prefixRepetitionPrefixLen: 256,
  prefixRepetitionSuffixLen: 256,
  prefixRepetitionNumPrefixes: 10,
} as const satisfies Partial<DatasetOptions>

type Defaulted = keyof typeof datasetDefaults

/** Options with every default in place. */
export type DatasetSettings = Omit<DatasetOptions, Defaulted> & {
  [Name in Defaulted]: NonNullable<DatasetOptions[Name]>
}

export function withDefaults(options: DatasetOptions): DatasetSettings {
  const defaults = datasetDefaults
  return {
    ...options,
    seed: options.seed ?? defaults.seed,
    numPrompts: options.numPrompts ?? defaults.numPrompts,
    randomInputLen: options.randomInputLen ?? defaults.randomInputLen,
    randomOutputLen: options.randomOutputLen ?? defaults.randomOutputLen,
    randomRangeRatio: options.randomRangeRatio ?? defaults.randomRangeRatio,
    randomPrefixLen: options.randomPrefixLen ?? defaults.randomPrefixLen,
    randomBatchSize: options.randomBatchSize ?? defaults.randomBatchSize,
    randomMmBaseItemsPerRequest: options.randomMmBaseItemsPerRequest ?? defaults.randomMmBaseItemsPerRequest,
    randomMmNumMmItemsRangeRatio: options.randomMmNumMmItemsRangeRatio ?? defaults.randomMmNumMmItemsRangeRatio,
    randomMmLimitMmPerPrompt: options.randomMmLimitMmPerPrompt ?? defaults.randomMmLimitMmPerPrompt,
    randomMmBucketConfig: options.randomMmBucketConfig ?? defaults.randomMmBucketConfig,
    prefixRepetitionPrefixLen: options.prefixRepetitionPrefixLen ?? defaults.prefixRepetitionPrefixLen,
    prefixRepetitionSuffixLen: options.prefixRepetitionSuffixLen ?? defaults.prefixRepetitionSuffixLen,
    prefixRepetitionNumPrefixes: options.prefixRepetitionNumPrefixes ?? defaults.prefixRepetitionNumPrefixes,
  }
}
