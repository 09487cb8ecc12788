// The engine: opens a checkpoint on a device, and answers tasks.

import { findNonFinite, type WeightTable } from '../checkpoint/weights.js'
import type { Device, LoadedProgram, LoadOptions, Padding } from '../devices/device.js'
import { chooseDevice, openDevice } from '../devices/open-device.js'
import { QvlError } from '../errors.js'
import type { Model } from '../models/model.js'
import { type AnswerContext, answer } from './answers.js'
import { findCheckpoint } from './find-checkpoint.js'
import type { Images } from './images.js'
import { defaultMaxNumBatchedTokens, defaultMaxNumSeqs } from './limits.js'
import { dtypeOf, loadModel } from './load-model.js'
import { imagesOf, inTurns, visionLoad } from './open-images.js'
import type { EngineOptions } from './options.js'
import type { TreeSequence } from './prefix-tree.js'
import { type PreparerOptions, preparerOf } from './preparer.js'
import { Queue } from './queue.js'
import { contentsOfEmbed, contentsOfScore, hasMedia } from './request-contents.js'
import type {
  Embedding,
  EmbedRequest,
  Engine,
  EngineLoad,
  LoadedVisuals,
  NamedContent,
  PrefixCacheReport,
  Preparer,
  ResultOf,
  ScoreRequest,
  Scores,
  SubmitOptions,
  Task,
  VisualsReport,
} from './requests.js'
import type { Computed } from './task-run.js'
import { noTurns, Turns } from './turns.js'

/**
 * Open a model. Throws MODEL_*, HUB_*, CHECKPOINT_*, CONFIG_*, TENSOR_*, TOKENIZER_* and TEMPLATE_INVALID for what is
 * wrong with the checkpoint or the options, DEVICE_UNAVAILABLE for what is wrong with this machine.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const warn = warnOnce(options.warn)
  const checkpoint = await findCheckpoint({ ...options, warn })
  const deviceName = chooseDevice(options.device ?? 'auto', warn)
  const preparerOptions = { ...toPreparerOptions(options, checkpoint.dir), device: deviceName }
  const preparer = await preparerOf(checkpoint, preparerOptions, warn)
  const { tokenizer } = preparer
  const { model, head } = await loadModel(checkpoint, { kind: preparer.model.kind, tokenizer })
  const device = await openDevice(deviceName, {
    count: options.dataParallelSize,
    say: options.warn,
  })
  const { model: name, threads, quantization, signal } = options
  const { fingerprint, config } = checkpoint
  const dtype = dtypeOf(config, options.dtype)
  const load = {
    ...{ model: name, threads, dtype, quantization, fingerprint },
    ...{ warn, signal, maxRows: preparer.model.maxModelLen },
  }
  options.onPack?.()
  const program = await loadOn(device, model, load)
  const turns = device.hasOwnCores ? noTurns : new Turns()
  const images = imagesOf(model, config, {
    turns,
    numLanes: program.numLanes ?? 1,
    media: options.media,
    load: (tower, weights) => device.load(tower, weights, visionLoad(load)),
  })
  return new RunningEngine({
    model: { ...preparer.model, device: device.name },
    preparer,
    preparerOptions,
    answers: {
      yesNo: head?.rows.length === 2 ? { no: head.rows[0]!, yes: head.rows[1]! } : undefined,
      activation: config.classifier.activation,
    },
    device,
    program,
    weights: model.weights,
    images,
    queue: new Queue(model, images === undefined ? program : inTurns(program, turns), {
      maxNumBatchedTokens: options.maxNumBatchedTokens ?? defaultMaxNumBatchedTokens,
      maxNumSeqs: options.maxNumSeqs ?? defaultMaxNumSeqs,
      sharePrefixes: options.enablePrefixCaching ?? true,
      prefixCacheBytes: options.prefixCacheBytes ?? 0,
      byPriority: options.schedulingPolicy === 'priority',
      warn,
      onBatch: options.onBatch,
    }),
  })
}

/** What was opened is given back when the program cannot be loaded. */
async function loadOn(device: Device, { program, weights }: Model, options: LoadOptions): Promise<LoadedProgram> {
  try {
    return await device.load(program, weights, options)
  } catch (error) {
    await device.close?.()
    throw error
  }
}

interface EngineParts {
  model: Engine['model']
  preparer: Preparer
  preparerOptions: PreparerOptions
  answers: AnswerContext
  device: Device
  program: LoadedProgram
  weights: WeightTable
  queue: Queue
  /** Of models that read images. */
  images: Images | undefined
}

class RunningEngine implements Engine {
  readonly model: Engine['model']
  readonly preparer: Preparer
  readonly preparerOptions: PreparerOptions
  readonly #parts: EngineParts
  #closed = false
  /** The tensor that is not finite, looked for once. */
  #notFinite: Promise<string | undefined> | undefined

  constructor(parts: EngineParts) {
    this.model = parts.model
    this.preparer = parts.preparer
    this.preparerOptions = parts.preparerOptions
    this.#parts = parts
  }

  get counters(): Engine['counters'] {
    return this.#parts.queue.counters
  }

  submit<Asked extends Task>(tasks: readonly Asked[], options: SubmitOptions = {}): Promise<ResultOf<Asked>>[] {
    if (this.#closed) return tasks.map(() => Promise.reject(closed()))
    if (options.together && tasks.some(hasVisuals)) return this.#submitTogether(tasks, options)
    const plain = tasks.filter((task) => !hasVisuals(task))
    const runs = this.#parts.queue.enqueue(
      plain.map(({ sequences }) => sequences),
      options,
    )
    const runOf = new Map(plain.map((task, index) => [task, runs[index]!]))
    return tasks.map((task) => this.#answer(task, runOf.get(task) ?? this.#runWithVisuals(task, options)))
  }

  async loadVisuals(
    contents: readonly NamedContent[],
    signal?: AbortSignal,
    attachments?: ReadonlyMap<string, Uint8Array>,
  ): Promise<LoadedVisuals> {
    const { images } = this.#parts
    const isNeeded = images !== undefined && hasMedia(contents)
    return isNeeded ? images.load(contents, signal, attachments) : { facts: new Map(), byKey: new Map(), numBytes: 0 }
  }

  async embed(request: EmbedRequest, options?: SubmitOptions): Promise<Embedding> {
    const contents = contentsOfEmbed(request)
    if (!hasMedia(contents)) return this.submit([this.preparer.embed(request)], options)[0]!
    const { facts, byKey } = await this.loadVisuals(contents, options?.signal)
    return this.submit([this.preparer.embed({ ...request, visuals: facts })], { ...options, visuals: byKey })[0]!
  }

  async score(request: ScoreRequest, options?: SubmitOptions): Promise<Scores> {
    const contents = contentsOfScore(request)
    if (!hasMedia(contents)) return this.submit([this.preparer.score(request)], options)[0]!
    const { facts, byKey } = await this.loadVisuals(contents, options?.signal)
    return this.submit([this.preparer.score({ ...request, visuals: facts })], { ...options, visuals: byKey })[0]!
  }

  async warmUp(): Promise<void> {
    const { ids } = this.preparer.tokenize('The first batch is the slowest.', { addSpecialTokens: true })
    const [run] = this.#parts.queue.enqueue([[{ ids: Int32Array.from(ids), prefixTokens: 0, pool: 'last' }]])
    await Promise.all([this.#explained(run!), this.#parts.images?.warmUp()])
  }

  load(): EngineLoad {
    return this.#parts.queue.load()
  }

  prefixCache(): PrefixCacheReport {
    return this.#parts.queue.prefixCache()
  }

  padding(): Padding | undefined {
    return this.#parts.program.padding?.()
  }

  visuals(): VisualsReport {
    return this.#parts.images?.report() ?? { queries: 0, hits: 0, usedBytes: 0 }
  }

  /** What is queued is answered first. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#parts.images?.close()
    await this.#parts.queue.idle()
    await this.#parts.program.close()
    await this.#parts.device.close?.()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Images go through the tower first; the task is queued when all of its own are done. */
  async #runWithVisuals(task: Task, options: SubmitOptions): Promise<Computed> {
    const sequences = await this.#resolve(task, options)
    return this.#parts.queue.enqueue([sequences], options)[0]!
  }

  /** A task whose images fail is left out. */
  #submitTogether<Asked extends Task>(tasks: readonly Asked[], options: SubmitOptions): Promise<ResultOf<Asked>>[] {
    const queued = Promise.allSettled(tasks.map((task) => this.#resolve(task, options))).then((outcomes) => {
      const ready = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      const runs = this.#parts.queue.enqueue(ready, options).values()
      return outcomes.map((outcome) =>
        outcome.status === 'fulfilled' ? runs.next().value! : Promise.reject(outcome.reason),
      )
    })
    return tasks.map((task, index) =>
      this.#answer(
        task,
        queued.then((runs) => runs[index]!),
      ),
    )
  }

  async #resolve({ sequences }: Task, { visuals = new Map(), signal }: SubmitOptions): Promise<TreeSequence[]> {
    if (!sequences.some((sequence) => sequence.visuals !== undefined)) return [...sequences]
    const { images } = this.#parts
    if (images === undefined) throw new QvlError('INTERNAL', { what: 'A task for a text model names images.' })
    return images.resolve(sequences, visuals, signal)
  }

  async #answer<Asked extends Task>(task: Asked, run: Promise<Computed>): Promise<ResultOf<Asked>> {
    const { rows, timing } = await this.#explained(run)
    return answer(task, rows, timing, this.#parts.answers)
  }

  async #explained(run: Promise<Computed>): Promise<Computed> {
    try {
      return await run
    } catch (error) {
      throw await this.#explainFailure(error)
    }
  }

  async #explainFailure(error: unknown): Promise<unknown> {
    if (!(error instanceof QvlError) || error.code !== 'RESULT_NOT_FINITE') return error
    this.#notFinite ??= findNonFinite(this.#parts.weights).then((found) => found?.name)
    const tensor = await this.#notFinite
    if (tensor === undefined) {
      return new QvlError('RESULT_NOT_FINITE', {
        what: 'The model computed a value that is not a number.',
        why: 'All weights are finite, so this input overflowed inside the model.',
        do: 'Try --dtype float32 or another device, and report the input.',
      })
    }
    return new QvlError('RESULT_NOT_FINITE', {
      what: `The tensor ${tensor} holds NaN or infinite values.`,
      why: 'No result of such a model means anything.',
      do: 'Download the checkpoint again, or report it to its author.',
      param: tensor,
    })
  }
}

const closed = (): QvlError =>
  new QvlError('NOT_READY', {
    what: 'The model has been closed.',
    why: 'It answers no more requests.',
    do: 'Open it again.',
  })

const hasVisuals = ({ sequences }: Task): boolean => sequences.some(({ visuals }) => visuals !== undefined)

/** Only what can cross to another thread. */
export function toPreparerOptions(options: EngineOptions, dir: string): PreparerOptions {
  const { model, name, maxModelLen, hfOverrides, convert, chatTemplate, specialTokensInText } = options
  const { promptFormat, defaultPrompt, pooling, lateInteraction } = options
  const prompts = { chatTemplate, promptFormat, defaultPrompt, specialTokensInText }
  return { id: model, name, dir, maxModelLen, hfOverrides, convert, ...prompts, pooling, lateInteraction }
}

function warnOnce(warn: ((message: string) => void) | undefined): (message: string) => void {
  const said = new Set<string>()
  return (message) => {
    if (said.has(message)) return
    said.add(message)
    warn?.(message)
  }
}
