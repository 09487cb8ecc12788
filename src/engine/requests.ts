// What the engine is asked and what it answers. No wire format here: that is api/.

import type { DeviceName, LoadOptions } from '../devices/device.js'
import type { Content } from '../prompts/content.js'

export interface EmbedRequest {
  content: Content
  instruction?: string | undefined
  /** Keep the first `dimensions` components, then normalise. */
  dimensions?: number | undefined
  /** Cut to this many tokens instead of refusing; -1 means the model's limit. */
  truncatePromptTokens?: number | undefined
  /** L2-normalise (default true). */
  useActivation?: boolean | undefined
}

export interface ScoreRequest {
  query: Content
  documents: readonly Content[]
  instruction?: string | undefined
  truncatePromptTokens?: number | undefined
  /** Scores as probabilities (default true) rather than raw logits. */
  useActivation?: boolean | undefined
}

export interface Usage {
  /** Tokens of all prompts, a shared query counted once per document. */
  promptTokens: number
  /** How many of them were not computed again because an earlier prompt of the batch had the same prefix. */
  cachedTokens: number
}

/** What went into the model, for --explain. */
export interface Explanation {
  prompt: string
  ids: readonly number[]
  /** Yes/no rerankers: the two logits. */
  logitYes?: number
  logitNo?: number
  /** Rerankers: the number whose sigmoid is the score. */
  logit?: number
}

export interface Embedding {
  vector: Float32Array
  usage: Usage
  explanation: Explanation
}

export interface Scores {
  /** One per document, in input order. */
  scores: readonly number[]
  usage: Usage
  /** One per document. */
  explanations: readonly Explanation[]
}

/** A request turned into prompts, ready to be submitted. */
export interface Task<Result> {
  /** Tokens of all its prompts. */
  readonly promptTokens: number
  /** Type marker only. */
  readonly result?: Result
}

/** What offline/, api/ and server/ see of the engine. */
export interface Engine extends AsyncDisposable {
  readonly model: {
    /** As the user named it. */
    readonly id: string
    /** sha256 over config, tokenizer and weight headers and sizes: changes when the checkpoint changes. */
    readonly fingerprint: string
    readonly kind: 'embed' | 'score'
    readonly format: string
    /** What in the checkpoint settled the format, for people. */
    readonly formatReason: string
    readonly hidden: number
    readonly device: DeviceName
    readonly maxModelLen: number
  }
  /** Throws REQUEST_INVALID, INPUT_TOO_LONG or MEDIA_UNSUPPORTED. */
  prepareEmbed(request: EmbedRequest): Task<Embedding>
  /** A reranker scores pairs; an embedding model answers with cosines. */
  prepareScore(request: ScoreRequest): Task<Scores>
  /**
   * Queue tasks in one step and answer each. With nothing else in the queue, batches depend only on the tasks, so the
   * same tasks give the same bits. A failed task rejects only its own promise.
   */
  submit<Result>(tasks: readonly Task<Result>[], options?: { signal?: AbortSignal }): Promise<Result>[]
  embed(request: EmbedRequest, options?: { signal?: AbortSignal }): Promise<Embedding>
  score(request: ScoreRequest, options?: { signal?: AbortSignal }): Promise<Scores>
  /** Tokens computed so far (shared prefixes counted once) and tokens asked for. */
  readonly counters: { computedTokens: number; promptTokens: number }
  close(): Promise<void>
}

export interface EngineOptions {
  /** A folder, or a hub id. */
  model: string
  revision?: string | undefined
  downloadDir?: string | undefined
  /** `auto` (default): cpu where this installation has it, else ort. */
  device?: DeviceName | 'auto' | undefined
  threads?: number | undefined
  /** Number type of matrix products; the device's own choice when absent. */
  dtype?: LoadOptions['dtype']
  quantization?: LoadOptions['quantization']
  maxModelLen?: number | undefined
  maxNumBatchedTokens?: number | undefined
  /** Compute a prefix that prompts of a batch have in common once (default true). */
  enablePrefixCaching?: boolean | undefined
  /** vLLM's --hf-overrides, merged into config.json. */
  hfOverrides?: Record<string, unknown> | undefined
  /** vLLM's --convert: settles what a checkpoint is when its content does not. */
  convert?: 'auto' | 'embed' | 'classify' | undefined
  /** Text of a score template (Jinja) to use instead of the official format. */
  chatTemplate?: { name: string; text: string } | undefined
  specialTokensInText?: 'literal' | 'parse' | undefined
  /** Warnings for people, each at most once. */
  warn?: ((message: string) => void) | undefined
  /** Ends a download. */
  signal?: AbortSignal | undefined
  /** Download progress. */
  onDownload?:
    | ((event: { file: string; received: number; total: number | undefined; files: number; done: number }) => void)
    | undefined
}
