// The engine: opens a checkpoint on a device, and answers tasks.

import { findNonFinite, type WeightTable } from '../checkpoint/weights.js'
import type { LoadedProgram } from '../devices/device.js'
import { chooseDevice, openDevice } from '../devices/open-device.js'
import { QvlError } from '../errors.js'
import { type AnswerContext, answer } from './answers.js'
import { findCheckpoint } from './find-checkpoint.js'
import { defaultMaxNumBatchedTokens, defaultMaxNumSeqs } from './limits.js'
import { loadModel } from './load-model.js'
import { type PreparerOptions, preparerOf } from './preparer.js'
import { Queue } from './queue.js'
import type {
  Embedding,
  EmbedRequest,
  Engine,
  EngineLoad,
  EngineOptions,
  PrefixCacheReport,
  Preparer,
  ResultOf,
  ScoreRequest,
  Scores,
  SubmitOptions,
  Task,
} from './requests.js'

import type { Computed } from './task-run.js'

/**
 * Open a model. Throws MODEL_*, HUB_*, CHECKPOINT_*, CONFIG_*, TENSOR_*, TOKENIZER_* and TEMPLATE_INVALID for what is
 * wrong with the checkpoint or the options, DEVICE_UNAVAILABLE for what is wrong with this machine.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const warn = warnOnce(options.warn)
  const checkpoint = await findCheckpoint({ ...options, warn })
  const preparerOptions = toPreparerOptions(options, checkpoint.dir)
  const preparer = await preparerOf(checkpoint, preparerOptions, warn)
  const { tokenizer } = preparer
  const { model, head } = await loadModel(checkpoint, { kind: preparer.model.kind, tokenizer })
  const device = await openDevice(chooseDevice(options.device ?? 'auto', warn))
  const { threads, dtype, quantization } = options
  const { fingerprint } = checkpoint
  const program = await device.load(model.program, model.weights, { threads, dtype, quantization, fingerprint, warn })
  return new RunningEngine({
    model: { ...preparer.model, device: device.name },
    preparer,
    preparerOptions,
    answers: { yesNo: head?.rows.length === 2 ? { no: head.rows[0]!, yes: head.rows[1]! } : undefined },
    program,
    weights: model.weights,
    queue: new Queue(model, program, {
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

interface EngineParts {
  model: Engine['model']
  preparer: Preparer
  preparerOptions: PreparerOptions
  answers: AnswerContext
  program: LoadedProgram
  weights: WeightTable
  queue: Queue
}

class RunningEngine implements Engine {
  readonly model: Engine['model']
  readonly preparer: Preparer
  readonly preparerOptions: PreparerOptions
  readonly #parts: EngineParts
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
    const { queue, answers } = this.#parts
    const runs = queue.enqueue(
      tasks.map(({ sequences }) => sequences),
      options,
    )
    return tasks.map(async (task, index) => {
      const { rows, timing } = await this.#explained(runs[index]!)
      return answer(task, rows, timing, answers)
    })
  }

  async embed(request: EmbedRequest, options?: SubmitOptions): Promise<Embedding> {
    return this.submit([this.preparer.embed(request)], options)[0]!
  }

  async score(request: ScoreRequest, options?: SubmitOptions): Promise<Scores> {
    return this.submit([this.preparer.score(request)], options)[0]!
  }

  async warmUp(): Promise<void> {
    const { ids } = this.preparer.tokenize('The first batch is the slowest.', { addSpecialTokens: true })
    const [run] = this.#parts.queue.enqueue([[{ ids: Int32Array.from(ids), prefixTokens: 0, pool: 'last' }]])
    await this.#explained(run!)
  }

  load(): EngineLoad {
    return this.#parts.queue.load()
  }

  prefixCache(): PrefixCacheReport {
    return this.#parts.queue.prefixCache()
  }

  async close(): Promise<void> {
    await this.#parts.queue.idle()
    await this.#parts.program.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
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

/** Only what can cross to another thread. */
function toPreparerOptions(options: EngineOptions, dir: string): PreparerOptions {
  const { model, maxModelLen, hfOverrides, convert, chatTemplate, promptFormat, specialTokensInText } = options
  return { id: model, dir, maxModelLen, hfOverrides, convert, chatTemplate, promptFormat, specialTokensInText }
}

function warnOnce(warn: ((message: string) => void) | undefined): (message: string) => void {
  const said = new Set<string>()
  return (message) => {
    if (said.has(message)) return
    said.add(message)
    warn?.(message)
  }
}
