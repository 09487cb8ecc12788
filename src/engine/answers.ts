// Pooled rows to answers: vectors, scores and probabilities, by the kind of task.

import type { HeadActivation } from '../checkpoint/config-head.js'
import { maxSim } from './late-interaction.js'
import { cosine, dot, embeddingVector, meanRow, sigmoid, softmax, tokenVectors } from './pooling.js'
import type {
  Classification,
  ClassifyTask,
  Embedding,
  EmbedTask,
  Explanation,
  ResultOf,
  Scores,
  ScoreTask,
  Task,
  Timing,
  TokenEmbedding,
  TokenEmbedTask,
} from './requests.js'

/** What the model computed for one sequence. */
export interface PooledRows {
  /** Number of pooled rows: 1, or one for each token. */
  rows: number
  /** [rows, width], after the final norm. */
  hidden: Float32Array
  /** [rows, labels]; empty without a head. */
  logits: Float32Array
  /** Tokens that had been computed for other sequences. */
  sharedTokens: number
}

/** What the answers need to know of the model. */
export interface AnswerContext {
  /** What its logits become; when absent a sigmoid for one label, and softmax for several, of which exactly one holds. */
  activation?: HeadActivation | undefined
  /** The two head rows of a yes/no reranker, for explanations. */
  yesNo: { yes: Float32Array; no: Float32Array } | undefined
}

/** The answer to a task whose sequences have all been computed; `computed` is in their order. */
export async function answer<Asked extends Task>(
  task: Asked,
  computed: readonly PooledRows[],
  timing: Timing,
  context: AnswerContext,
): Promise<ResultOf<Asked>> {
  const usage = {
    promptTokens: task.promptTokens,
    cachedTokens: computed.reduce((sum, { sharedTokens }) => sum + sharedTokens, 0),
  }
  // A switch cannot tell the compiler that the result is of the task's own kind.
  return { ...(await answerOf(task, computed, context)), usage, timing } as ResultOf<Asked>
}

type Bare<Result> = Omit<Result, 'usage' | 'timing'>

type BareAnswer = Bare<Embedding> | Bare<TokenEmbedding> | Bare<Scores> | Bare<Classification>

function answerOf(
  task: Task,
  computed: readonly PooledRows[],
  context: AnswerContext,
): BareAnswer | Promise<BareAnswer> {
  switch (task.kind) {
    case 'embed':
      return embedding(task, computed[0]!)
    case 'tokenEmbed':
      return tokenEmbedding(task, computed[0]!)
    case 'score':
      return pairScores(task, computed, context)
    case 'cosine':
      return cosines(task, computed)
    case 'maxsim':
      return maxSims(task, computed)
    case 'classify':
      return classification(task, computed[0]!, context)
    default:
      return task satisfies never
  }
}

function embedding(task: EmbedTask, computed: PooledRows): Bare<Embedding> {
  const vector = embeddingVector(meanRow(computed), task.dimensions, task.useActivation)
  const [explanation] = explanations(task)
  return { vector, ...(explanation && { explanation }) }
}

function tokenEmbedding({ useActivation }: TokenEmbedTask, { rows, hidden }: PooledRows): Bare<TokenEmbedding> {
  return { rows, width: hidden.length / rows, data: tokenVectors(hidden, rows, useActivation) }
}

function pairScores(task: ScoreTask, computed: readonly PooledRows[], context: AnswerContext): Bare<Scores> {
  const isRaw = !task.useActivation || context.activation === 'identity'
  const scores = computed.map(({ logits }) => (isRaw ? logits[0]! : sigmoid(logits[0]!)))
  const explained = explanations(task).map((one, index) => ({ ...one, ...explainLogits(computed[index]!, context) }))
  return { scores, ...(task.texts && { explanations: explained }) }
}

function cosines(task: ScoreTask, [query, ...documents]: readonly PooledRows[]): Bare<Scores> {
  const queryVector = meanRow(query!)
  const scores = documents.map((document) => cosine(queryVector, meanRow(document)))
  return { scores, ...(task.texts && { explanations: explanations(task).slice(1) }) }
}

function classification(
  { useActivation }: Pick<ClassifyTask, 'useActivation'>,
  { logits }: PooledRows,
  { activation = logits.length === 1 ? 'sigmoid' : 'softmax' }: AnswerContext,
): Bare<Classification> {
  if (!useActivation) return { probs: logits }
  switch (activation) {
    case 'identity':
      return { probs: logits }
    case 'sigmoid':
      return { probs: logits.map(sigmoid) }
    case 'softmax':
      return { probs: softmax(logits) }
    default:
      return activation satisfies never
  }
}

async function maxSims(task: ScoreTask, [query, ...documents]: readonly PooledRows[]): Promise<Bare<Scores>> {
  const scores = await maxSim(query!, documents)
  return { scores, ...(task.texts && { explanations: explanations(task).slice(1) }) }
}

/** Empty for a task that was prepared without texts. */
function explanations({ texts = [], sequences }: Task): Explanation[] {
  return texts.map((prompt, index) => ({ prompt, ids: [...sequences[index]!.ids] }))
}

function explainLogits({ hidden, logits }: PooledRows, { yesNo }: AnswerContext): Partial<Explanation> {
  const logit = logits[0]!
  return yesNo === undefined ? { logit } : { logit, logitYes: dot(hidden, yesNo.yes), logitNo: dot(hidden, yesNo.no) }
}
