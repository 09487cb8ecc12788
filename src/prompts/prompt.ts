// What a prompt format does: items in, the exact text and token ids of the official scripts out.

import type { RichText } from '../text/rich-text.js'
import type { Tokenizer } from '../text/tokenizer.js'
import type { Content } from './content.js'
import type { CutSide } from './cut-text.js'
import type { PlacedVisual, Visuals } from './visuals.js'

/** What stands for a prompt: the vector of its first token, of its last one, or the mean of all. */
export type Pooling = 'first' | 'last' | 'mean'

/** A finished prompt. */
export interface Prompt {
  /** The whole text, also when the ids were cut; text that is too long to count may be missing. */
  text: RichText
  ids: Int32Array
  /** The first so many tokens come from the template, the instruction and, for a pair, the query. */
  prefixTokens: number
  /** Where the second text of a pair begins, for models that tell the two apart by token types. */
  secondFrom?: number
  /** Number of tokens before the cut, when the prompt was cut. */
  cutFrom?: number
  /** The images and videos among the tokens, in order. */
  visuals?: readonly PlacedVisual[] | undefined
}

export interface PromptLimits {
  /** Longest prompt in tokens. */
  maxTokens: number
  /** `error` (default) refuses a longer prompt with INPUT_TOO_LONG; `truncate` cuts the user's text and keeps the tail. */
  overflow: 'error' | 'truncate'
  /** Which end of the user's text goes (default `right`). */
  side?: CutSide | undefined
}

export interface EmbedItem {
  content: Content
  instruction?: string | undefined
  role?: 'query' | 'document' | undefined
  /** One of the format's prompts, in place of what the role would choose. */
  promptName?: string | undefined
  /** Cut the text to this many tokens before the template is put around it. */
  maxTokens?: number | undefined
  visuals?: Visuals | undefined
}

/** A prompt format of an embedding model. */
export interface EmbedFormat {
  readonly kind: 'embed'
  readonly name: string
  /** `last` when absent. */
  readonly pooling?: Pooling
  /** False where vectors keep their length unless a request says otherwise. */
  readonly normalizes?: boolean
  /** The prompts that the checkpoint brings; absent where the roles of requests are all there is. */
  readonly promptNames?: readonly string[]
  /**
   * `role` matters where queries and documents differ (Qwen3-Embedding): an instruction makes a query, and a query
   * without one gets the official default.
   */
  embed(item: EmbedItem, limits: PromptLimits): Prompt
}

export interface ScoreItem {
  query: Content
  document: Content
  instruction?: string | undefined
  /** Cut the query, or the document, to this many tokens before the template is put around them. */
  maxTokensPerQuery?: number | undefined
  maxTokensPerDoc?: number | undefined
  visuals?: Visuals | undefined
}

/** A prompt format of a reranking model. */
export interface ScoreFormat {
  readonly kind: 'score'
  readonly name: string
  /** `last` when absent. */
  readonly pooling?: Pooling
  pair(item: ScoreItem, limits: PromptLimits): Prompt
}

export type PromptFormat = EmbedFormat | ScoreFormat

export interface FormatOptions {
  tokenizer: Tokenizer
  /** Called at most once per format, when input arrives already wrapped in the model's template. */
  warn?: ((message: string) => void) | undefined
}

export interface VlFormatOptions extends FormatOptions {
  /**
   * How a prompt is cut. `keepTail` (default) cuts the user's text and stays within the limit. `official` repeats the
   * published scripts, for comparing with them: the embedder loses its generation prompt, and the reranker's prompt may be
   * five tokens longer than the limit.
   */
  truncation?: 'keepTail' | 'official' | undefined
}
