// The engine: opens a checkpoint on a device, and turns requests into answers.

import type { Checkpoint } from '../checkpoint/checkpoint.js'
import { findNonFinite, type WeightTable } from '../checkpoint/weights.js'
import type { LoadedProgram } from '../devices/device.js'
import { chooseDevice, openDevice } from '../devices/open-device.js'
import { QvlError } from '../errors.js'
import type { PromptFormat } from '../prompts/prompt.js'
import { openTokenizer } from '../text/tokenizer.js'
import { findCheckpoint } from './find-checkpoint.js'
import { defaultMaxModelLen, defaultMaxNumBatchedTokens, maxNumSeqs } from './limits.js'
import { loadModel } from './load-model.js'
import { type Cancellation, Queue } from './queue.js'
import type { Embedding, EmbedRequest, Engine, EngineOptions, ScoreRequest, Scores, Task } from './requests.js'
import { cosineTask, embedTask, type PreparedTask, scoreTask, type TaskContext } from './tasks.js'

/**
 * Open a model. Throws MODEL_*, HUB_*, CHECKPOINT_*, CONFIG_*, TENSOR_*, TOKENIZER_* and TEMPLATE_INVALID for what is
 * wrong with the checkpoint or the options, DEVICE_UNAVAILABLE for what is wrong with this machine.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const warn = warnOnce(options.warn)
  const checkpoint = await findCheckpoint({ ...options, warn })
  const tokenizer = await openTokenizer(checkpoint.dir, {
    specialTokensInText: options.specialTokensInText ?? 'literal',
  })
  const { format, reason, model, head } = await loadModel({ checkpoint, tokenizer, options, warn })
  const device = await openDevice(chooseDevice(options.device ?? 'auto', warn))
  const { threads, dtype, quantization } = options
  const { fingerprint } = checkpoint
  const program = await device.load(model.program, model.weights, { threads, dtype, quantization, fingerprint, warn })
  const maxModelLen = checkMaxModelLen(options.maxModelLen, checkpoint)
  return new RunningEngine({
    model: {
      id: options.model,
      fingerprint,
      kind: format.kind,
      format: format.name,
      formatReason: reason,
      hidden: model.hidden,
      device: device.name,
      maxModelLen,
    },
    format,
    context: {
      maxModelLen,
      vocabSize: checkpoint.config.text.vocabSize,
      hidden: model.hidden,
      dimensions: matryoshkaWidths(checkpoint),
      yesNo: head?.rows.length === 2 ? { no: head.rows[0]!, yes: head.rows[1]! } : undefined,
    },
    program,
    weights: model.weights,
    queue: new Queue(model, program, {
      maxNumBatchedTokens: options.maxNumBatchedTokens ?? defaultMaxNumBatchedTokens,
      maxNumSeqs,
      sharePrefixes: options.enablePrefixCaching ?? true,
    }),
  })
}

interface EngineParts {
  model: Engine['model']
  format: PromptFormat
  context: TaskContext
  program: LoadedProgram
  weights: WeightTable
  queue: Queue
}

class RunningEngine implements Engine {
  readonly model: Engine['model']
  readonly #parts: EngineParts
  /** The tensor that is not finite, looked for once. */
  #notFinite: Promise<string | undefined> | undefined

  constructor(parts: EngineParts) {
    this.model = parts.model
    this.#parts = parts
  }

  get counters(): Engine['counters'] {
    return this.#parts.queue.counters
  }

  prepareEmbed(request: EmbedRequest): Task<Embedding> {
    const { format, context } = this.#parts
    if (format.kind === 'embed') return embedTask(format, context, request)
    throw new QvlError('REQUEST_INVALID', {
      what: 'This model gives no embeddings.',
      why: `${this.model.id} is a reranker: it scores pairs of a query and a document.`,
      do: 'Use `qvl score`, or an embedding model.',
    })
  }

  prepareScore(request: ScoreRequest): Task<Scores> {
    const { format, context } = this.#parts
    return format.kind === 'score' ? scoreTask(format, context, request) : cosineTask(format, context, request)
  }

  submit<Result>(tasks: readonly Task<Result>[], options: { signal?: AbortSignal } = {}): Promise<Result>[] {
    return tasks.map(async (task) => {
      const { prompts, finish } = task as PreparedTask<Result>
      const cancellation = new TaskCancellation(options.signal)
      const rows = this.#parts.queue.enqueue(
        prompts.map((prompt) => prompt.ids),
        cancellation,
      )
      try {
        return finish(await Promise.all(rows))
      } catch (error) {
        cancellation.fail(error)
        throw await this.#explainFailure(error)
      }
    })
  }

  async embed(request: EmbedRequest, options?: { signal?: AbortSignal }): Promise<Embedding> {
    return this.submit([this.prepareEmbed(request)], options)[0]!
  }

  async score(request: ScoreRequest, options?: { signal?: AbortSignal }): Promise<Scores> {
    return this.submit([this.prepareScore(request)], options)[0]!
  }

  async close(): Promise<void> {
    await this.#parts.queue.idle()
    await this.#parts.program.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
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

/** The families here are trained for any width; a list in the configuration narrows it. */
function matryoshkaWidths({ config }: Checkpoint): readonly number[] | undefined {
  return config.matryoshkaDimensions === 'any' ? undefined : config.matryoshkaDimensions
}

/**
 * A task ends with its caller's signal, or when one of its sequences fails: the others need not run. Not AbortSignal.any,
 * which leaves about 500 bytes on a long-lived signal for each task (Node 20).
 */
class TaskCancellation implements Cancellation {
  readonly #signal: AbortSignal | undefined
  #failure: { error: unknown } | undefined

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
  }

  get aborted(): boolean {
    return this.#failure !== undefined || (this.#signal?.aborted ?? false)
  }

  get reason(): unknown {
    return this.#failure === undefined ? this.#signal?.reason : this.#failure.error
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
  }
}

function checkMaxModelLen(asked: number | undefined, { config }: Checkpoint): number {
  const { maxPositions } = config.text
  if (asked === undefined || asked === -1) return Math.min(maxPositions, defaultMaxModelLen)
  if (asked <= maxPositions) return asked
  throw new QvlError('USAGE', {
    what: `--max-model-len ${asked} is more than the model can do.`,
    why: `The checkpoint was made for at most ${maxPositions} positions.`,
    do: `Use at most ${maxPositions}.`,
    param: '--max-model-len',
  })
}

function warnOnce(warn: ((message: string) => void) | undefined): (message: string) => void {
  const said = new Set<string>()
  return (message) => {
    if (said.has(message)) return
    said.add(message)
    warn?.(message)
  }
}
