// Turns requests into tasks: the part of the engine that needs a tokenizer and no weights, in whichever thread it is asked.

import { type Checkpoint, openCheckpoint } from '../checkpoint/checkpoint.js'
import { networkOf } from '../checkpoint/config.js'
import { headRows } from '../checkpoint/head-rows.js'
import type { DeviceName } from '../devices/device.js'
import { QvlError } from '../errors.js'
import { ChatTemplate } from '../prompts/chat-template.js'
import { readChatTemplateFiles } from '../prompts/chat-template-files.js'
import { chooseFormat } from '../prompts/choose-format.js'
import type { EmbedFormat, PromptFormat } from '../prompts/prompt.js'
import { textSide, vlSide } from '../prompts/side.js'
import { VisualMarks } from '../prompts/visuals.js'
import { openTokenizer, type Tokenizer } from '../text/tokenizer.js'
import { maxPromptTokens } from './limits.js'
import type { EngineOptions } from './options.js'
import type {
  ChatMessage,
  ChatOptions,
  ClassifyRequest,
  ClassifyTask,
  EmbedRequest,
  EmbedTask,
  ModelFacts,
  PrepareOptions,
  Preparer,
  ScoreRequest,
  ScoreTask,
  TokenEmbedTask,
} from './requests.js'
import { classifyTask, embedTask, scoreTask, type TaskContext, tokenEmbedTask } from './tasks.js'

/** Plain data, which can cross to another thread. */
export interface PreparerOptions
  extends Pick<
    EngineOptions,
    | 'name'
    | 'maxModelLen'
    | 'hfOverrides'
    | 'convert'
    | 'chatTemplate'
    | 'promptFormat'
    | 'defaultPrompt'
    | 'pooling'
    | 'lateInteraction'
    | 'specialTokensInText'
  > {
  /** The checkpoint's folder. */
  dir: string
  /** As the user named the model. */
  id: string
  /** As for `openCheckpoint`. */
  weights?: 'needed' | 'optional' | undefined
  /** The one that computes; it may take shorter prompts than others. */
  device?: DeviceName | undefined
}

/**
 * Open the tokenizer and the prompt format of a checkpoint folder. Throws MODEL_*, CHECKPOINT_*, CONFIG_*, TOKENIZER_* and
 * TEMPLATE_INVALID for what is wrong with it.
 */
export async function openPreparer(options: PreparerOptions, warn: Warn = () => {}): Promise<Preparer> {
  const { hfOverrides, weights } = options
  return await preparerOf(await openCheckpoint(options.dir, { hfOverrides, weights, warn }), options, warn)
}

type Warn = (message: string) => void

/** As `openPreparer`, for a checkpoint that is open. */
export async function preparerOf(
  checkpoint: Checkpoint,
  options: PreparerOptions,
  warn: Warn,
): Promise<CheckpointPreparer> {
  const { config, weights, sentenceTransformers, dir, fingerprint } = checkpoint
  const { id, convert, chatTemplate, specialTokensInText = 'literal', promptFormat = 'official' } = options
  const tokenizer = await openTokenizer(dir, { specialTokensInText })
  const { defaultPrompt, pooling } = options
  const { format, reason, lateInteraction } = chooseFormat({
    config,
    sentenceTransformers,
    tensorNames: weights,
    tokenizer,
    id,
    convert,
    chatTemplate,
    defaultPrompt,
    pooling,
    warn,
  })
  const { hidden, vocabSize, maxPositions } = networkOf(config)
  const maxModelLen = maxPromptTokens(options.maxModelLen, maxPositions, {
    ...sentenceTransformers?.limits,
    device: options.device,
  })
  return new CheckpointPreparer({
    model: {
      id,
      fingerprint,
      kind: format.kind,
      architecture: config.architecture,
      format: format.name,
      formatReason: reason,
      hidden,
      maxModelLen,
      labels: format.kind === 'score' ? labelsOf(checkpoint) : [],
      promptNames: format.kind === 'embed' ? (format.promptNames ?? []) : [],
    },
    format,
    tokenizer,
    chat: new ChatTemplate(
      await readChatTemplateFiles(dir),
      config.family === 'qwen3-vl' ? vlSide(new VisualMarks(undefined, [])) : textSide,
    ),
    context: {
      name: options.name ?? id,
      architecture: config.architecture,
      readsMedia: config.family === 'qwen3-vl',
      tokenizer,
      maxModelLen,
      vocabSize,
      hidden,
      widths: widthsOf(checkpoint),
      promptFormat,
      defaultRole: defaultRole(format, defaultPrompt),
      lateInteraction: options.lateInteraction ?? lateInteraction,
    },
  })
}

interface PreparerParts {
  model: ModelFacts
  format: PromptFormat
  tokenizer: Tokenizer
  chat: ChatTemplate
  context: TaskContext
}

export class CheckpointPreparer implements Preparer {
  readonly model: ModelFacts
  readonly tokenizer: Tokenizer
  readonly #parts: PreparerParts

  constructor(parts: PreparerParts) {
    this.model = parts.model
    this.tokenizer = parts.tokenizer
    this.#parts = parts
  }

  embed(request: EmbedRequest, options: PrepareOptions = {}): EmbedTask {
    return embedTask(this.#embedFormat(), this.#parts.context, request, options)
  }

  tokenEmbed(request: EmbedRequest): TokenEmbedTask {
    return tokenEmbedTask(this.#embedFormat(), this.#parts.context, request)
  }

  score(request: ScoreRequest, options: PrepareOptions = {}): ScoreTask {
    const numLabels = this.model.labels.length
    if (numLabels > 1) throw notPairs(numLabels)
    return scoreTask(this.#parts.format, this.#parts.context, request, options)
  }

  classify(request: ClassifyRequest): ClassifyTask {
    if (this.model.labels.length === 0) throw noHead()
    return classifyTask(this.#parts.format, this.#parts.context, request)
  }

  tokenize(text: string, options: { addSpecialTokens: boolean }): { ids: number[]; tokens: string[] } {
    const ids = this.tokenizer.encode([{ text, from: 'template' }], options)
    return { ids, tokens: ids.map((id) => this.tokenizer.tokenText(id) ?? '') }
  }

  detokenize(ids: readonly number[]): string {
    return this.tokenizer.decode(ids)
  }

  renderChat(messages: readonly ChatMessage[], options: ChatOptions): string {
    return this.#parts.chat.render(messages, options)
  }

  #embedFormat(): EmbedFormat {
    const { format } = this.#parts
    if (format.kind === 'embed') return format
    throw new QvlError('REQUEST_INVALID', {
      what: 'This model gives no embeddings.',
      why: 'It is a reranker: it scores pairs of a query and a document.',
      do: 'Ask for scores, or use an embedding model.',
    })
  }
}

function labelsOf(checkpoint: Checkpoint): (string | null)[] {
  const { labelNames } = checkpoint.config.classifier
  return Array.from({ length: numLabels(checkpoint) }, (_, label) => labelNames.get(label) ?? null)
}

/** A head in the weights has a row for each label; one that is made from tokens has one. */
function numLabels({ config, weights }: Checkpoint): number {
  const rows = headRows(weights)
  if (rows !== undefined || weights.size > 0) return rows ?? 1
  const { sequenceClassification, classifierFromToken, isOriginalQwen3Reranker, numLabels } = config.classifier
  const isMade = !sequenceClassification || classifierFromToken !== undefined || isOriginalQwen3Reranker
  return isMade ? 1 : (numLabels ?? unsaidLabels)
}

/** What transformers makes of a classifier whose configuration does not say. */
const unsaidLabels = 2

/** Where a format has no prompts of its own, the name of one says what texts are for. Throws USAGE. */
function defaultRole(format: PromptFormat, name: string | undefined): TaskContext['defaultRole'] {
  if (name === undefined || (format.kind === 'embed' && format.promptNames !== undefined)) return undefined
  if (format.kind === 'embed' && (name === 'query' || name === 'document')) return name
  throw new QvlError('USAGE', {
    what: `The model has no prompt named "${name}".`,
    why: format.kind === 'embed' ? 'Its texts are a query or a document.' : 'It is a reranker: it scores pairs.',
    do: format.kind === 'embed' ? 'Use query or document.' : 'Leave --default-prompt out.',
    param: '--default-prompt',
  })
}

/** The families here are trained for any width; a list in the configuration narrows it. */
function widthsOf({ config }: Checkpoint): readonly number[] | undefined {
  return config.matryoshkaDimensions === 'any' ? undefined : config.matryoshkaDimensions
}

const noHead = (): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: 'This model has no classification head.',
    why: 'It is an embedding model.',
    do: 'Ask for embeddings, or use a reranker or a classifier.',
  })

const notPairs = (numLabels: number): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: 'This model does not score pairs.',
    why: `It is a classifier of ${numLabels} labels; a score needs a head of one.`,
    do: 'Ask for a classification, or use a reranker.',
  })
