// What a benchmark sends: the requests of one run, drawn as `vllm bench serve` draws them.

import { NumpyRandomState } from '../random/numpy-random-state.js'
import { checkRanges, refusePath, requirePath, requireTokenizer } from './check-options.js'
import { customRequests } from './custom.js'
import { customImageRequests } from './custom-image.js'
import { type DatasetName, type DatasetOptions, type DatasetSettings, withDefaults } from './options.js'
import { prefixRepetitionRequests } from './prefix-repetition.js'
import { type RandomOptions, randomRequests } from './random.js'
import { randomMediaRequests } from './random-mm.js'
import { randomRerankRequests } from './random-rerank.js'
import type { BenchRequest } from './request.js'
import { shareGptRequests } from './sharegpt.js'

export type { DatasetName, DatasetOptions, MediaBucket, RangeRatio } from './options.js'
export type { BenchRequest, ContentPart, MediaPart } from './request.js'

export interface Dataset {
  requests: readonly BenchRequest[]
  /** Sentences for the user, such as prompts whose token count misses the target. */
  warnings: readonly string[]
  /** NumPy's global generator as the dataset leaves it: vLLM draws the arrival gaps from it. */
  random: NumpyRandomState
}

/**
 * The requests of a run. Throws USAGE for flags that do not fit, INPUT_UNREADABLE and REQUEST_INVALID for a file, and the
 * signal's reason once it is aborted.
 */
export async function makeDataset(options: DatasetOptions): Promise<Dataset> {
  const settings = withDefaults(options)
  checkRanges(settings)
  settings.signal?.throwIfAborted()
  const random = new NumpyRandomState(settings.seed)
  const { requests, warnings } = await makeRequests(settings, random)
  return { requests, warnings, random }
}

interface Made {
  requests: BenchRequest[]
  warnings: string[]
}

type ReadName = 'custom' | 'custom_image' | 'sharegpt'
type DrawnName = Exclude<DatasetName, ReadName>

async function makeRequests(settings: DatasetSettings, random: NumpyRandomState): Promise<Made> {
  const { name } = settings
  switch (name) {
    case 'custom':
    case 'custom_image':
    case 'sharegpt':
      return { requests: await readRequests(name, settings), warnings: [] }
    default:
      return drawRequests(name, settings, random)
  }
}

async function readRequests(name: ReadName, settings: DatasetSettings): Promise<BenchRequest[]> {
  const { seed, numPrompts, noOversample = false, disableShuffle = false, tokenizer, signal } = settings
  const path = requirePath(settings)
  const options = { path, seed, numPrompts, noOversample, disableShuffle, signal }
  switch (name) {
    case 'custom': {
      const { skipChatTemplate = false, chatTemplateKwargs = {} } = settings
      return customRequests(tokenizer, { ...options, skipChatTemplate, chatTemplateKwargs })
    }
    case 'custom_image': {
      const { customEnsureClientSideData = false } = settings
      return customImageRequests(tokenizer, { ...options, ensureClientSideData: customEnsureClientSideData })
    }
    case 'sharegpt':
      return shareGptRequests(requireTokenizer(settings), { ...options, outputLen: settings.sharegptOutputLen })
    default:
      return name satisfies never
  }
}

async function drawRequests(name: DrawnName, settings: DatasetSettings, random: NumpyRandomState): Promise<Made> {
  refusePath(settings)
  const tokenizer = requireTokenizer(settings)
  const options = randomOptions(settings)
  switch (name) {
    case 'random':
      return randomRequests(tokenizer, options)
    case 'random-rerank': {
      const { noReranker = false, randomUniqueQueries = false } = settings
      return randomRerankRequests(tokenizer, {
        ...options,
        isReranker: !noReranker,
        uniqueQueries: randomUniqueQueries,
      })
    }
    case 'random-mm':
      return randomMediaRequests(tokenizer, {
        ...options,
        itemsPerRequest: settings.randomMmBaseItemsPerRequest,
        itemsRangeRatio: settings.randomMmNumMmItemsRangeRatio,
        maxItems: settings.randomMmLimitMmPerPrompt,
        buckets: settings.randomMmBucketConfig,
      })
    case 'prefix_repetition':
      return prefixRepetitionRequests(tokenizer, random, {
        seed: settings.seed,
        numPrompts: settings.numPrompts,
        prefixLen: settings.prefixRepetitionPrefixLen,
        suffixLen: settings.prefixRepetitionSuffixLen,
        numPrefixes: settings.prefixRepetitionNumPrefixes,
        disableShuffle: settings.disableShuffle ?? false,
        signal: settings.signal,
      })
    default:
      return name satisfies never
  }
}

function randomOptions(settings: DatasetSettings): RandomOptions {
  return {
    seed: settings.seed,
    numPrompts: settings.numPrompts,
    inputLen: settings.randomInputLen,
    outputLen: settings.randomOutputLen,
    rangeRatio: settings.randomRangeRatio,
    prefixLen: settings.randomPrefixLen,
    batchSize: settings.randomBatchSize,
    signal: settings.signal,
  }
}
