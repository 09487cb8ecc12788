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
import { bundlesOf } from './bundles.js'
import { EitherSignal } from './either-signal.js'
import { EncodedVisuals } from './encoded-visuals.js'
import { Fleet } from './fleet.js'
import { callsPerReplica, maxSequencesPerCall, maxSharedAttempts, type UpstreamOptions } from './options.js'
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
    const maxSequences = this.#sequencesPerCall(tasks)
    return bundlesOf(tasks, maxSequences).flatMap((bundle) =>
      bundle.length === 1
        ? [this.#counted(bundle[0]!, (task) => this.#runAlone(task, options, maxSequences))]
        : this.#submitBundle(bundle, options),
    )
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

  /** Fewer than a call may have where all replicas would not get one otherwise. */
  #sequencesPerCall(tasks: readonly Task[]): number {
    const numReady = this.#parts.fleet.replicas.filter(({ isHealthy }) => isHealthy).length
    const numSequences = tasks.reduce((sum, { sequences }) => sum + sequences.length, 0)
    const share = Math.ceil(numSequences / (callsPerReplica * Math.max(numReady, 1)))
    return Math.min(Math.max(share, 1), maxSequencesPerCall)
  }

  async #counted<Asked extends Task>(
    task: Asked,
    compute: (task: Asked) => Promise<readonly PooledRows[]>,
  ): Promise<ResultOf<Asked>> {
    const started = performance.now()
    this.#tasks++
    this.#tokens += task.promptTokens
    try {
      const rows = await compute(task)
      const timing: Timing = { queueMs: 0, runMs: performance.now() - started }
      return await answer(task, rows, timing, this.#parts.answers)
    } finally {
      this.#tasks--
      this.#tokens -= task.promptTokens
    }
  }

  async #runAlone(task: Task, { signal, visuals }: SubmitOptions, maxSequences: number): Promise<PooledRows[]> {
    // One piece that fails ends the others of its task.
    const failed = new AbortController()
    using either = new EitherSignal([signal, failed.signal])
    try {
      const attachments = await this.#attachmentsOf(task, visuals)
      either.signal.throwIfAborted()
      const pieces = piecesOf(task, { model: this.#parts.name, attachments, maxSequences })
      const rows = await Promise.all(pieces.map((piece) => this.#call(piece, either.signal)))
      return rows.flat()
    } catch (error) {
      failed.abort(error)
      throw error
    }
  }

  /** Tasks in one call. When it fails again and again, each goes alone: one may be what no replica can compute. */
  #submitBundle<Asked extends Task>(tasks: readonly Asked[], options: SubmitOptions): Promise<ResultOf<Asked>>[] {
    const { kind } = tasks[0]!
    const sequences = tasks.flatMap((task) => task.sequences)
    const [piece] = piecesOf({ kind, sequences }, { model: this.#parts.name })
    const all = this.#call(piece!, options.signal, maxSharedAttempts)
    let taken = 0
    return tasks.map((task) => {
      const start = taken
      taken += task.sequences.length
      const end = taken
      return this.#counted(task, async () => {
        const rows = await all.catch((error: unknown) => {
          if (options.signal?.aborted || !this.#isAboutPrompts(error)) throw error
        })
        return rows?.slice(start, end) ?? this.#runAlone(task, options, maxSequencesPerCall)
      })
    })
  }

  /** With replicas that are ready and have room, it is not about them. */
  #isAboutPrompts(error: unknown): boolean {
    const isOfFleet = error instanceof QvlError && ['ENGINE_OVERLOADED', 'NOT_READY'].includes(error.code)
    return !isOfFleet && this.#parts.fleet.replicas.some(({ isHealthy }) => isHealthy)
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

  async #call(piece: Piece, signal: AbortSignal | undefined, maxFailures?: number): Promise<PooledRows[]> {
    const { fleet, onBatch } = this.#parts
    const started = performance.now()
    const rows = await fleet.call(piece, signal, maxFailures)
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
