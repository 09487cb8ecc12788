// What `import … from 'qvl'` gives: a model in this process, its errors, and the types of both.

export { type ErrorCode, type ErrorDetails, QvlError } from '../errors.js'
export type { Embedding, Embeddings, ModelInfo, Ranked, Ranking, Scores, Usage } from './answers.js'
export { Engine } from './engine.js'
export type { Fields, Input, MediaSource, Part } from './input.js'
export type {
  CallOptions,
  DownloadProgress,
  EmbedOptions,
  ImageOptions,
  MediaOptions,
  OpenOptions,
  RerankOptions,
  ScoreOptions,
  VideoOptions,
} from './options.js'
