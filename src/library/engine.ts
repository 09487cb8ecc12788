// A model in the process of the program that uses it.

import { openEngine } from '../engine/engine.js'
import type { EngineOptions } from '../engine/options.js'
import type { Engine as OpenedEngine } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import type { Embedding, Embeddings, ModelInfo, Ranking, Scores } from './answers.js'
import { checkOptions } from './check-options.js'
import { isList } from './contents.js'
import { embedList, embedOne } from './embed.js'
import type { Input } from './input.js'
import { embedRules, openRules, rerankRules, scoreRules } from './option-rules.js'
import type { EmbedOptions, OpenOptions, RerankOptions, ScoreOptions } from './options.js'
import { score } from './score.js'

/**
 * A model that is open. It computes in threads of its own; calls that are made at the same time share batches.
 *
 * What fails throws a QvlError. Its `code` says what kind of failure it is: REQUEST_INVALID, INPUT_TOO_LONG and MEDIA_*
 * for inputs, NOT_READY once the model is closed, DEVICE_* and RESULT_NOT_FINITE for what went wrong while computing. Its
 * `details` have what happened, why, what to do, and the input at fault. A call that is aborted throws its signal's reason.
 */
export class Engine implements AsyncDisposable {
  readonly model: ModelInfo
  readonly #engine: OpenedEngine
  /** Calls that are not answered yet. */
  readonly #calls = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  private constructor(engine: OpenedEngine) {
    const { id, kind, architecture, format, hidden, maxModelLen, promptNames, device } = engine.model
    this.model = { id, kind, architecture, format, dimensions: hidden, maxModelLen, promptNames, device }
    this.#engine = engine
  }

  /**
   * Open a model: download it if it is not here yet, read it, and bring it into the form of the device. Throws USAGE for
   * options, MODEL_*, HUB_*, CHECKPOINT_*, CONFIG_*, TENSOR_*, TOKENIZER_* and TEMPLATE_INVALID for what is wrong with the
   * model, DEVICE_UNAVAILABLE for what is wrong with this machine.
   *
   * @example
   * await using engine = await Engine.open({ model: 'Qwen/Qwen3-Embedding-0.6B' })
   */
  static async open(options: OpenOptions): Promise<Engine> {
    if (typeof options?.model !== 'string' || options.model === '') throw noModel()
    checkOptions(openRules, options, { code: 'USAGE', name: 'options' })
    options.signal?.throwIfAborted()
    return new Engine(await openEngine(engineOptions(options)))
  }

  /**
   * One input gives one vector of `model.dimensions` components, or of as many as `dimensions` asks for. A list gives a
   * vector for each input, in order; it may be long. An input that fails fails the call, and `details.param` of the error
   * names it, such as `input[3]`.
   *
   * @example
   * const { vector } = await engine.embed('capital of China', { role: 'query' })
   * const { vectors } = await engine.embed(['The capital of China is Beijing.', { image: 'photos/beijing.jpg' }])
   */
  embed(input: Input, options?: EmbedOptions): Promise<Embedding>
  embed(inputs: readonly Input[], options?: EmbedOptions): Promise<Embeddings>
  async embed(input: Input | readonly Input[], options: EmbedOptions = {}): Promise<Embedding | Embeddings> {
    checkOptions(embedRules, options, ofCall)
    this.#checkPromptName(options.promptName)
    return this.#call<Embedding | Embeddings>(async (engine) =>
      isList(input) ? embedList(engine, input, options) : embedOne(engine, input, options),
    )
  }

  /**
   * A score for each document, in the order of the documents; higher is better. Rerankers answer with probabilities,
   * embedding models with cosines.
   */
  async score(query: Input, documents: readonly Input[], options: ScoreOptions = {}): Promise<Scores> {
    checkOptions(scoreRules, options, ofCall)
    return this.#call((engine) => score(engine, { query, documents }, options))
  }

  /**
   * The documents by their scores, best first; those with equal scores stay in order.
   *
   * @example
   * const { results } = await engine.rerank('capital of China', ['Gravity is a force.', 'Beijing is the capital.'])
   * results[0] // { index: 1, score: 0.99 }
   */
  async rerank(query: Input, documents: readonly Input[], options: RerankOptions = {}): Promise<Ranking> {
    checkOptions(rerankRules, options, ofCall)
    const { topN, ...others } = options
    const { scores, usage } = await this.score(query, documents, others)
    const ranked = scores.map((each, index) => ({ index, score: each })).sort((one, other) => other.score - one.score)
    return { results: ranked.slice(0, topN), usage }
  }

  /** Answer what was asked before, and give everything back; then the process can end. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(() => this.#engine.close())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkPromptName(name: string | undefined): void {
    const { promptNames } = this.model
    if (name !== undefined && !promptNames.includes(name)) throw noPrompt(name, promptNames)
  }

  async #call<Answer>(work: (engine: OpenedEngine) => Promise<Answer>): Promise<Answer> {
    if (this.#closing !== undefined) throw closed()
    const call = work(this.#engine)
    this.#calls.add(call)
    try {
      return await call
    } finally {
      this.#calls.delete(call)
    }
  }
}

const ofCall = { code: 'REQUEST_INVALID', name: 'options' } as const

/** Paths begin at the working folder, as those of `node:fs` do. */
function engineOptions({ chatTemplate, media, onWarning, ...others }: OpenOptions): EngineOptions {
  const folder = process.cwd()
  return {
    ...others,
    chatTemplate: chatTemplate === undefined ? undefined : { name: 'chatTemplate', text: chatTemplate },
    media: { ...media, localRoots: media?.localRoots ?? [folder], localBase: folder },
    warn: onWarning ?? ((message) => process.emitWarning(message, 'QvlWarning')),
  }
}

const closed = (): QvlError =>
  new QvlError('NOT_READY', {
    what: 'The model has been closed.',
    why: 'It answers no more calls.',
    do: 'Open it again with `Engine.open`.',
  })

const noModel = (): QvlError =>
  new QvlError('USAGE', {
    what: 'No model is named.',
    why: '`Engine.open` takes an object whose `model` is a folder, or an id of the hub.',
    do: "Write Engine.open({ model: 'Qwen/Qwen3-Embedding-0.6B' }).",
    param: 'model',
  })

const noPrompt = (name: string, names: readonly string[]): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `This model has no prompt named ${JSON.stringify(name)}.`,
    why: names.length === 0 ? 'Its checkpoint brings none.' : `It has: ${names.join(', ')}.`,
    do: 'Leave `promptName` out, or use one of `model.promptNames`.',
    param: 'promptName',
  })
