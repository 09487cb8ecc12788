// What each option of the library has to be.

import {
  callback,
  flag,
  object,
  oneOf,
  positive,
  type Rules,
  signal,
  text,
  texts,
  tokensOrLimit,
  wholeFrom,
} from './check-options.js'
import type {
  CallOptions,
  EmbedOptions,
  ImageOptions,
  MediaOptions,
  OpenOptions,
  RerankOptions,
  ScoreOptions,
  VideoOptions,
} from './options.js'

const promptFormat = oneOf('official', 'raw')

const image = {
  within: { minPixels: wholeFrom(1), maxPixels: wholeFrom(1) } satisfies Rules<ImageOptions>,
}

const video = {
  within: {
    fps: positive,
    minFrames: wholeFrom(1),
    maxFrames: wholeFrom(1),
    totalPixels: wholeFrom(1),
  } satisfies Rules<VideoOptions>,
}

const media = {
  within: {
    localRoots: texts,
    allowedDomains: texts,
    allowedNetworks: texts,
    fetchTimeoutMs: positive,
    image,
    video,
    limitPerPrompt: { within: { image: wholeFrom(0), video: wholeFrom(0) } },
    cacheBytes: wholeFrom(0),
    ffmpeg: text,
  } satisfies Rules<MediaOptions>,
}

export const openRules: Rules<OpenOptions> = {
  model: text,
  revision: text,
  downloadDir: text,
  device: oneOf('auto', 'cpu', 'ort', 'npu', 'reference'),
  threads: wholeFrom(1),
  dtype: oneOf('auto', 'float32', 'bfloat16', 'float16'),
  quantization: oneOf('int8'),
  maxModelLen: tokensOrLimit,
  maxNumBatchedTokens: wholeFrom(1),
  prefixCacheBytes: wholeFrom(0),
  promptFormat,
  defaultPrompt: text,
  chatTemplate: text,
  convert: oneOf('auto', 'embed', 'classify'),
  pooling: oneOf('first', 'last', 'mean'),
  hfOverrides: object,
  media,
  signal,
  onDownload: callback,
  onWarning: callback,
}

const callRules: Rules<CallOptions> = {
  signal,
  instruction: text,
  truncatePromptTokens: tokensOrLimit,
  truncationSide: oneOf('left', 'right'),
  image,
  video,
}

export const embedRules: Rules<EmbedOptions> = {
  ...callRules,
  role: oneOf('query', 'document'),
  promptName: text,
  promptFormat,
  dimensions: wholeFrom(1),
  useActivation: flag,
}

export const scoreRules: Rules<ScoreOptions> = {
  ...callRules,
  maxTokensPerQuery: wholeFrom(1),
  maxTokensPerDoc: wholeFrom(1),
  useActivation: flag,
}

export const rerankRules: Rules<RerankOptions> = { ...scoreRules, topN: wholeFrom(0) }
