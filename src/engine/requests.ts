// What the engine is asked and what it answers. No wire format here: that is api/.

import type { DeviceName, Padding } from '../devices/device.js'
import type { Visual } from '../media/visual.js'
import type { Content } from '../prompts/content.js'
import type { MediaPart, PlacedVisual, Visuals } from '../prompts/visuals.js'
import type { PreparerOptions } from './preparer.js'

/** Token ids that a client made itself; they are run as they are. */
export interface TokenIds {
  tokens: readonly number[]
  /** The images and videos among them, in order: each where its pad tokens are. */
  media?: readonly MediaPart[] | undefined
  /** As in Sequence. */
  secondFrom?: number | undefined
}

/** How a prompt that is longer than allowed is treated. */
export interface CutOptions {
  /** Cut to this many tokens instead of refusing; -1 means the model's limit. */
  truncatePromptTokens?: number | undefined
  /** Which end of the user's text goes (default `right`, the end). The prompt's own tail always stays. */
  truncationSide?: 'left' | 'right' | undefined
}

/** How the images and videos of one request are looked at, over what the engine was opened with. */
export interface VisualSettings {
  /** Pixels that an image is resized to. */
  image?: { minPixels?: number; maxPixels?: number } | undefined
  video?: { fps?: number; minFrames?: number; maxFrames?: number; totalPixels?: number } | undefined
}

export interface EmbedRequest extends CutOptions {
  content: Content | TokenIds
  /** What errors call the input, such as `body.input[2]`. */
  param?: string | undefined
  visualSettings?: VisualSettings | undefined
  instruction?: string | undefined
  /** For formats in which queries and documents differ; without it an instruction makes a query. */
  role?: 'query' | 'document' | undefined
  /** What `Engine.loadVisuals` found out about the images and videos of the content. */
  visuals?: Visuals | undefined
  /** One of the prompts that the checkpoint brings (`ModelFacts.promptNames`), in place of what the role would choose. */
  promptName?: string | undefined
  /**
   * `raw` takes a text as the whole prompt, special tokens included, as vLLM does; `official` (default: the engine's
   * option) puts the model's own format around it.
   */
  promptFormat?: 'official' | 'raw' | undefined
  /** Only for raw text: apply the tokenizer's post-processor (default true). */
  addSpecialTokens?: boolean | undefined
  /** Keep the first `dimensions` components, then normalise. */
  dimensions?: number | undefined
  /** L2-normalise (default true, except for models whose files say that they do not). */
  useActivation?: boolean | undefined
}

export interface ScoreRequest extends CutOptions {
  query: Content
  documents: readonly Content[]
  instruction?: string | undefined
  /** What errors call the two sides (default `query` and `documents[0]`, …). */
  params?: { query: string; documents: readonly string[] } | undefined
  /** As in EmbedRequest, for both sides. */
  visuals?: Visuals | undefined
  visualSettings?: VisualSettings | undefined
  /** Cut the query, or each document, to this many tokens before the template is put around them. */
  maxTokensPerQuery?: number | undefined
  maxTokensPerDoc?: number | undefined
  /** Scores as probabilities (default true) rather than raw logits. */
  useActivation?: boolean | undefined
}

/** A finished prompt for a model with a head, as vLLM's /classify takes it: nothing is put around it. */
export interface ClassifyRequest extends CutOptions {
  content: string | TokenIds
  /** As in EmbedRequest. */
  param?: string | undefined
  visualSettings?: VisualSettings | undefined
  visuals?: Visuals | undefined
  addSpecialTokens?: boolean | undefined
  /** Probabilities (default true) rather than raw logits. */
  useActivation?: boolean | undefined
}

/** One token sequence of a task. */
export interface Sequence {
  ids: Int32Array
  /** The first so many tokens are what prompts of other requests are likely to begin with too: template, instruction, query. */
  prefixTokens: number
  /** The first row, the last row, or every row (token embeddings, and vectors that are means). */
  pool: 'first' | 'last' | 'all'
  /** From here on tokens are of type 1: the second text of a pair, for models that tell the two apart. */
  secondFrom?: number | undefined
  /** The images and videos among the tokens. */
  visuals?: readonly PlacedVisual[] | undefined
}

interface TaskBase {
  readonly sequences: readonly Sequence[]
  /** Tokens of all sequences. */
  readonly promptTokens: number
  /** The text of each prompt, when it was asked for. */
  readonly texts?: readonly string[]
}

/** A request turned into token ids: plain data, which can cross to another thread. */
export type Task = EmbedTask | TokenEmbedTask | ScoreTask | ClassifyTask

export interface EmbedTask extends TaskBase {
  readonly kind: 'embed'
  readonly dimensions: number | undefined
  readonly useActivation: boolean
}

export interface TokenEmbedTask extends TaskBase {
  readonly kind: 'tokenEmbed'
  readonly useActivation: boolean
}

/**
 * `score`: pairs through a reranker. `cosine` and `maxsim`: the first sequence is the query, the others are the documents;
 * their vectors are compared, or those of their tokens.
 */
export interface ScoreTask extends TaskBase {
  readonly kind: 'score' | 'cosine' | 'maxsim'
  readonly useActivation: boolean
}

export interface ClassifyTask extends TaskBase {
  readonly kind: 'classify'
  readonly useActivation: boolean
}

export interface Usage {
  /** Tokens of all prompts, a shared query counted once per document. */
  promptTokens: number
  /** How many of them were not computed again, because an earlier prompt had the same prefix. */
  cachedTokens: number
}

/** Where a task's time went, in milliseconds on a monotonic clock. */
export interface Timing {
  /** From submission to the start of its first batch. */
  queueMs: number
  /** From there to its last row. */
  runMs: number
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

interface ResultBase {
  usage: Usage
  timing: Timing
}

export interface Embedding extends ResultBase {
  vector: Float32Array
  /** When the task was prepared with texts. */
  explanation?: Explanation
}

export interface TokenEmbedding extends ResultBase {
  /** [rows, width], one row for each token. */
  rows: number
  width: number
  data: Float32Array
}

export interface Scores extends ResultBase {
  /** One per document, in input order. */
  scores: readonly number[]
  /** One per document, when the task was prepared with texts. */
  explanations?: readonly Explanation[]
}

export interface Classification extends ResultBase {
  /** [labels]. */
  probs: Float32Array
}

export type ResultOf<Asked extends Task> = Asked extends EmbedTask
  ? Embedding
  : Asked extends TokenEmbedTask
    ? TokenEmbedding
    : Asked extends ScoreTask
      ? Scores
      : Classification

export interface PrepareOptions {
  /** Keep the prompts' texts, for explanations. */
  texts?: boolean
  /** Told the tokens of each document's prompt when it is made, so that a request can be given up early. May throw. */
  onPrompt?: (numTokens: number) => void
}

/** What is known of a model before its weights are loaded. */
export interface ModelFacts {
  /** As the user named it. */
  readonly id: string
  /** sha256 over config, tokenizer and weight headers and sizes: changes when the checkpoint changes. */
  readonly fingerprint: string
  readonly kind: 'embed' | 'score'
  /** The class in config.json, such as Qwen3VLForConditionalGeneration; `unknown` where the file has none. */
  readonly architecture: string
  readonly format: string
  /** What in the checkpoint settled the format, for people. */
  readonly formatReason: string
  readonly hidden: number
  readonly maxModelLen: number
  /** Labels of the head, in order; empty for embedding models. */
  readonly labels: readonly (string | null)[]
  /** Names of the prompts that an encoder's checkpoint brings; empty for other models. */
  readonly promptNames: readonly string[]
}

/**
 * Turns requests into tasks. It needs a tokenizer and no weights, so a worker thread can have one of its own.
 * Its methods are synchronous and take time in proportion to the text.
 * They throw REQUEST_INVALID, INPUT_TOO_LONG, MEDIA_UNSUPPORTED.
 */
export interface Preparer {
  readonly model: ModelFacts
  embed(request: EmbedRequest, options?: PrepareOptions): EmbedTask
  /** One vector per token. */
  tokenEmbed(request: EmbedRequest): TokenEmbedTask
  /** A reranker scores pairs; an embedding model compares vectors. */
  score(request: ScoreRequest, options?: PrepareOptions): ScoreTask
  /** Only for models with a head. */
  classify(request: ClassifyRequest): ClassifyTask
  tokenize(text: string, options: { addSpecialTokens: boolean }): { ids: number[]; tokens: string[] }
  detokenize(ids: readonly number[]): string
  /** The checkpoint's own chat template around messages. Throws TEMPLATE_INVALID, or REQUEST_INVALID where it has none. */
  renderChat(messages: readonly ChatMessage[], options: ChatOptions): string
}

export interface ChatMessage {
  role: string
  content: Content
}

export interface ChatOptions {
  addGenerationPrompt: boolean
  continueFinalMessage: boolean
  /** A request's own template in place of the checkpoint's; the caller has checked that it is trusted. */
  chatTemplate?: string | undefined
  /** Variables for the template; none may have a reserved name. */
  kwargs?: Readonly<Record<string, unknown>> | undefined
}

/** The images and videos of requests. */
export interface LoadedVisuals {
  /** For the preparer. */
  facts: Visuals
  /** For `submit`. */
  byKey: ReadonlyMap<string, Visual>
  /** Memory that they take. */
  numBytes: number
}

/** One side of a request: what to call it in errors, and how its images are looked at. */
export interface NamedContent {
  content: Content
  param?: string | undefined
  settings?: VisualSettings | undefined
}

export interface SubmitOptions {
  signal?: AbortSignal | undefined
  /** The images and videos that the tasks name; needed for tasks that have some. */
  visuals?: ReadonlyMap<string, Visual> | undefined
  /** Lower goes first, where the engine schedules by priority (default 0). */
  priority?: number | undefined
  /** Queue the tasks when the images of all are ready (default: each when its own are), so that batches depend on the tasks alone. */
  together?: boolean | undefined
  /** Tasks with different salts never use what was kept of each other's prompts (vLLM's `cache_salt`). */
  cacheSalt?: string | undefined
}

/** How busy an engine is. */
export interface EngineLoad {
  /** Tasks of which no sequence has been started, and the others. */
  waitingTasks: number
  runningTasks: number
  /** Tokens of sequences that are not answered yet. */
  waitingTokens: number
  runningTokens: number
  /** Prompt tokens answered per second of running, over the last batches; 0 before the first. */
  tokensPerSecond: number
}

/** One batch that ended, for metrics. */
export interface BatchReport {
  sequences: number
  /** Tokens of its prompts, and how many of them were computed. */
  promptTokens: number
  computedTokens: number
  seconds: number
  failed: boolean
}

/** The kept prefixes of recent prompts. */
export interface PrefixCacheReport {
  /** Tokens looked up and tokens found since the start, as vLLM counts them. */
  queriedTokens: number
  hitTokens: number
  usedBytes: number
  maxBytes: number
}

/** Images and videos looked up and found, as vLLM's mm_cache counts them. */
export interface VisualsReport {
  queries: number
  hits: number
  usedBytes: number
}

/** A server that computes for this one. */
export interface ReplicaReport {
  url: string
  isHealthy: boolean
  /** Under way there. */
  calls: number
  tokens: number
  /** Since the start. */
  answered: number
  failed: number
}

/** What offline/, api/ and server/ see of the engine. */
export interface Engine extends AsyncDisposable {
  readonly model: ModelFacts & { readonly device: DeviceName | 'upstream' }
  readonly preparer: Preparer
  /** To open the same preparer in another thread. */
  readonly preparerOptions: PreparerOptions
  /** Compute one short batch: pages in the weights, and shows a device that cannot compute. Throws what a task throws. */
  warmUp(): Promise<void>
  /**
   * Queue tasks in one step and answer each. With nothing else in the queue and no kept prefixes, batches depend only on
   * the tasks, so the same tasks give the same bits. A failed task rejects only its own promise.
   */
  submit<Asked extends Task>(tasks: readonly Asked[], options?: SubmitOptions): Promise<ResultOf<Asked>>[]
  /**
   * Get the images and videos of contents: fetched, checked and measured. Throws MEDIA_*, and REQUEST_TOO_LARGE for too
   * many. Without any, or for a model that reads text only, nothing is done: the preparer refuses what it cannot use.
   * `attachments` are contents that are here already, by the references that stand for them.
   */
  loadVisuals(
    contents: readonly NamedContent[],
    signal?: AbortSignal,
    attachments?: ReadonlyMap<string, Uint8Array>,
  ): Promise<LoadedVisuals>
  embed(request: EmbedRequest, options?: SubmitOptions): Promise<Embedding>
  score(request: ScoreRequest, options?: SubmitOptions): Promise<Scores>
  /** Tokens computed so far (shared prefixes counted once) and tokens asked for. */
  readonly counters: { computedTokens: number; promptTokens: number }
  load(): EngineLoad
  prefixCache(): PrefixCacheReport
  visuals(): VisualsReport
  /** Of the decoder, where its device computes in fixed shapes. */
  padding?(): Padding | undefined
  /** Of an engine whose device is a fleet: it can answer while one of them is healthy. */
  replicas?(): readonly ReplicaReport[]
  close(): Promise<void>
}
