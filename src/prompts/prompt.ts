// What a prompt format does: items in, the exact text and token ids of the official scripts out.

import type { RichText } from '../text/rich-text.js'
import type { Content } from './content.js'

/** A finished prompt. The last token is the pooled one. */
export interface Prompt {
  text: RichText
  ids: Int32Array
}

export interface PromptLimits {
  /** Longest prompt in tokens. */
  maxTokens: number
  /** `error` (default) refuses a longer prompt with INPUT_TOO_LONG; `truncate` cuts the user's text and keeps the tail. */
  overflow: 'error' | 'truncate'
}

/** A prompt format of an embedding model. */
export interface EmbedFormat {
  readonly kind: 'embed'
  readonly name: string
  /**
   * `role` matters where queries and documents differ (Qwen3-Embedding): an instruction makes a query, and a query
   * without one gets the official default.
   */
  embed(
    item: { content: Content; instruction?: string | undefined; role?: 'query' | 'document' | undefined },
    limits: PromptLimits,
  ): Prompt
}

/** A prompt format of a reranking model. */
export interface ScoreFormat {
  readonly kind: 'score'
  readonly name: string
  pair(item: { query: Content; document: Content; instruction?: string | undefined }, limits: PromptLimits): Prompt
}

export type PromptFormat = EmbedFormat | ScoreFormat
