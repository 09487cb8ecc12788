// An engine whose device is a fleet: prompts are made and checked here, and token ids go to replicas.

import type { ModelConfig } from '../../checkpoint/config.js'
import { QvlError } from '../../errors.js'
import { type AnswerContext, answer, type PooledRows } from '../answers.js'
import { findCheckpoint } from '../find-checkpoint.js'
import { defaultVisualCacheBytes } from '../limits.js'
import { named } from '../named-error.js'
import type { EngineOptions, MediaOptions } from '../options.js'
import { type PreparerOptions, preparerOf } from '../preparer.js'
import { contentsOfEmbed, contentsOfScore, hasMedia } from '../request-contents.js'
import type {
  BatchReport,
  Embedding,
  EmbedRequest,
  Engine,
  EngineLoad,
  LoadedVisuals,
  PrefixCacheReport,
  Preparer,
  ReplicaReport,
  ResultOf,
  ScoreRequest,
  Scores,
  SubmitOptions,
  Task,
  Timing,
  VisualsReport,
} from '../requests.js'
import { VisualLoader } from '../visual-loader.js'
import { EncodedVisuals } from './encoded-visuals.js'
import { Fleet } from './fleet.js'
import type { UpstreamOptions } from './options.js'
import { type Attachments, type Piece, piecesOf } from './pieces.js'

/** Throws as `openEngine` for the checkpoint, and UPSTREAM_UNAVAILABLE for the replicas. */
export async function openUpstreamEngine(
  options: EngineOptions,
  upstream: UpstreamOptions,
  preparerOptionsAt: (dir: string) => PreparerOptions,
): Promise<Engine> {
  const warn = options.warn ?? (() => {})
  const checkpoint = await findCheckpoint(options, 'optional')
  const preparerOptions = { ...preparerOptionsAt(checkpoint.dir), weights: 'optional' } as const
  const preparer = await preparerOf(checkpoint, preparerOptions, warn)
  const name = upstream.servedModel ?? options.model
  const fleet = new Fleet(upstream, { name, maxModelLen: preparer.model.maxModelLen }, warn)
  await fleet.open()
  const answers = { yesNo: undefined, activation: checkpoint.config.classifier.activation }
  const { media, onBatch } = options
  const loader = loaderOf(checkpoint.config, media)
  const encoded = new EncodedVisuals(media?.cacheBytes ?? defaultVisualCacheBytes)
  return new UpstreamEngine({ fleet, name, preparer, preparerOptions, answers, onBatch, loader, encoded })
}

/** Undefined for a model that reads text only. */
function loaderOf(config: ModelConfig, media: MediaOptions | undefined): VisualLoader | undefined {
  if (config.family !== 'qwen3-vl') return undefined
  const { patchSize, temporalPatchSize, spatialMergeSize: mergeSize } = config.vision
  return new VisualLoader({ media, patches: { patchSize, temporalPatchSize, mergeSize } })
}

interface UpstreamParts {
  fleet: Fleet
  name: string
  preparer: Preparer
  preparerOptions: PreparerOptions
  answers: AnswerContext
  onBatch: ((report: BatchReport) => void) | undefined
  /** Of models that read images. */
  loader: VisualLoader | undefined
  encoded: EncodedVisuals
}

class UpstreamEngine implements Engine {
  readonly model: Engine['model']
  readonly preparer: Preparer
  readonly preparerOptions: PreparerOptions
  readonly counters = { computedTokens: 0, promptTokens: 0 }
  readonly #parts: UpstreamParts
  #tasks = 0
  #tokens = 0
  #tokensPerSecond = 0

  constructor(parts: UpstreamParts) {
    this.model = { ...parts.preparer.model, device: 'upstream' }
    this.preparer = parts.preparer
    this.preparerOptions = parts.preparerOptions
    this.#parts = parts
  }

  submit<Asked extends Task>(tasks: readonly Asked[], options: SubmitOptions = {}): Promise<ResultOf<Asked>>[] {
    return tasks.map((task) => this.#run(task, options))
  }

  async loadVisuals(...asked: Parameters<Engine['loadVisuals']>): Promise<LoadedVisuals> {
    const { loader } = this.#parts
    const isNeeded = loader !== undefined && hasMedia(asked[0])
    return isNeeded ? loader.load(...asked) : { facts: new Map(), byKey: new Map(), numBytes: 0 }
  }

  async embed(request: EmbedRequest, options?: SubmitOptions): Promise<Embedding> {
    const { facts, byKey } = await this.loadVisuals(contentsOfEmbed(request), options?.signal)
    return this.submit([this.preparer.embed({ ...request, visuals: facts })], { ...options, visuals: byKey })[0]!
  }

  async score(request: ScoreRequest, options?: SubmitOptions): Promise<Scores> {
    const { facts, byKey } = await this.loadVisuals(contentsOfScore(request), options?.signal)
    return this.submit([this.preparer.score({ ...request, visuals: facts })], { ...options, visuals: byKey })[0]!
  }

  /** A replica may be healthy and unable to answer what is asked of it here. */
  async warmUp(): Promise<void> {
    const { preparer } = this
    const text = 'The first batch is the slowest.'
    const isScore = this.model.labels.length > 0
    await this.submit([isScore ? preparer.classify({ content: text }) : preparer.embed({ content: text })])[0]
  }

  load(): EngineLoad {
    return {
      waitingTasks: 0,
      runningTasks: this.#tasks,
      waitingTokens: 0,
      runningTokens: this.#tokens,
      tokensPerSecond: this.#tokensPerSecond,
    }
  }

  prefixCache(): PrefixCacheReport {
    return { queriedTokens: 0, hitTokens: 0, usedBytes: 0, maxBytes: 0 }
  }

  visuals(): VisualsReport {
    return { queries: 0, hits: 0, usedBytes: 0 }
  }

  replicas(): ReplicaReport[] {
    return this.#parts.fleet.replicas.map((replica) => ({
      url: replica.url,
      isHealthy: replica.isHealthy,
      calls: replica.outstandingCalls,
      tokens: replica.outstandingTokens,
      ...replica.counts,
    }))
  }

  async close(): Promise<void> {
    const { fleet, loader } = this.#parts
    await Promise.all([fleet.close(), loader?.close()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run<Asked extends Task>(task: Asked, { signal, visuals }: SubmitOptions): Promise<ResultOf<Asked>> {
    const { name, answers } = this.#parts
    const started = performance.now()
    this.#tasks++
    this.#tokens += task.promptTokens
    // One piece that fails ends the others of its task.
    const failed = new AbortController()
    const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
    try {
      const attachments = await this.#attachmentsOf(task, visuals)
      either.throwIfAborted()
      const rows = await Promise.all(piecesOf(task, name, attachments).map((piece) => this.#call(piece, either)))
      const timing: Timing = { queueMs: 0, runMs: performance.now() - started }
      return await answer(task, rows.flat(), timing, answers)
    } catch (error) {
      failed.abort(error)
      throw error
    } finally {
      this.#tasks--
      this.#tokens -= task.promptTokens
    }
  }

  async #attachmentsOf({ sequences }: Task, visuals: SubmitOptions['visuals']): Promise<Attachments> {
    const keys = new Set(sequences.flatMap((sequence) => (sequence.visuals ?? []).map(({ facts }) => facts.key)))
    const encoded = [...keys].map(async (key) => {
      const visual = visuals?.get(key)
      if (visual === undefined) throw new QvlError('INTERNAL', { what: 'A task names an image that was not loaded.' })
      const urls = await this.#parts.encoded.of(visual).catch((error: unknown) => {
        throw named(error, visual.param)
      })
      return [key, urls] as const
    })
    return new Map(await Promise.all(encoded))
  }

  async #call(piece: Piece, signal: AbortSignal): Promise<PooledRows[]> {
    const { fleet, onBatch } = this.#parts
    const started = performance.now()
    const rows = await fleet.call(piece, signal)
    const seconds = (performance.now() - started) / 1000
    const { tokens, numSequences: sequences } = piece
    this.#count(tokens, seconds)
    // Failures are not told: the server would take them for a broken device of its own, and stop asking.
    onBatch?.({ sequences, promptTokens: tokens, computedTokens: tokens, seconds, failed: false })
    return rows
  }

  /** The rate of one call, times the calls under way, smoothed. */
  #count(tokens: number, seconds: number): void {
    const numCalls = this.#parts.fleet.replicas.reduce((sum, { outstandingCalls }) => sum + outstandingCalls, 1)
    const rate = (tokens * numCalls) / Math.max(seconds, 1e-3)
    this.#tokensPerSecond = this.#tokensPerSecond === 0 ? rate : 0.9 * this.#tokensPerSecond + 0.1 * rate
    this.counters.computedTokens += tokens
    this.counters.promptTokens += tokens
  }
}
