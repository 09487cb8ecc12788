// The flags of qvl bench serve about what is sent, as the options of a dataset.

import type { DatasetOptions } from '../bench/datasets/dataset.js'
import { parseMediaBuckets, parseMediaLimits } from '../bench/datasets/flag-values.js'
import type { BenchServeSettings } from './bench-serve-defaults.js'
import { readRangeRatio } from './range-ratio.js'

/** --input-len and --output-len stand for the length flags of whatever dataset. Throws USAGE. */
export function datasetOptions(settings: BenchServeSettings): DatasetOptions {
  const { 'input-len': inputLen, 'output-len': outputLen } = settings
  const limits = settings['random-mm-limit-mm-per-prompt']
  const buckets = settings['random-mm-bucket-config']
  return {
    name: settings['dataset-name'],
    seed: settings.seed,
    numPrompts: settings['num-prompts'],
    datasetPath: settings['dataset-path'],
    noOversample: !settings.oversample,
    disableShuffle: settings['disable-shuffle'],
    skipChatTemplate: settings['skip-chat-template'],
    chatTemplateKwargs: settings['chat-template-kwargs'],
    randomInputLen: inputLen ?? settings['random-input-len'],
    randomOutputLen: outputLen ?? settings['random-output-len'],
    randomRangeRatio: readRangeRatio(settings['random-range-ratio']),
    randomPrefixLen: settings['random-prefix-len'],
    randomBatchSize: settings['random-batch-size'],
    noReranker: !settings.reranker,
    randomUniqueQueries: settings['random-unique-queries'],
    randomMmBaseItemsPerRequest: settings['random-mm-base-items-per-request'],
    randomMmNumMmItemsRangeRatio: settings['random-mm-num-mm-items-range-ratio'],
    randomMmLimitMmPerPrompt: limits === undefined ? undefined : parseMediaLimits(limits),
    randomMmBucketConfig: buckets === undefined ? undefined : parseMediaBuckets(buckets),
    customEnsureClientSideData: settings['custom-ensure-client-side-data'],
    sharegptOutputLen: outputLen ?? settings['sharegpt-output-len'],
    prefixRepetitionPrefixLen: settings['prefix-repetition-prefix-len'],
    prefixRepetitionSuffixLen: settings['prefix-repetition-suffix-len'],
    prefixRepetitionNumPrefixes: settings['prefix-repetition-num-prefixes'],
  }
}
