// Pooled rows to answers: vectors, scores and probabilities, by the kind of task.

import { cosine, dot, embeddingVector, sigmoid, softmax } from './pooling.js'
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

/** What the answers need to know of the model: the two head rows of a yes/no reranker, for explanations. */
export interface AnswerContext {
  yesNo: { yes: Float32Array; no: Float32Array } | undefined
}

/** The answer to a task whose sequences have all been computed; `computed` is in their order. */
export function answer<Asked extends Task>(
  task: Asked,
  computed: readonly PooledRows[],
  timing: Timing,
  context: AnswerContext,
): ResultOf<Asked> {
  const usage = {
    promptTokens: task.promptTokens,
    cachedTokens: computed.reduce((sum, { sharedTokens }) => sum + sharedTokens, 0),
  }
  // A switch cannot tell the compiler that the result is of the task's own kind.
  return { ...answerOf(task, computed, context), usage, timing } as ResultOf<Asked>
}

type Bare<Result> = Omit<Result, 'usage' | 'timing'>

function answerOf(
  task: Task,
  computed: readonly PooledRows[],
  context: AnswerContext,
): Bare<Embedding> | Bare<TokenEmbedding> | Bare<Scores> | Bare<Classification> {
  switch (task.kind) {
    case 'embed':
      return embedding(task, computed[0]!)
    case 'tokenEmbed':
      return tokenEmbedding(task, computed[0]!)
    case 'score':
      return pairScores(task, computed, context)
    case 'cosine':
      return cosines(task, computed)
    case 'classify':
      return classification(task, computed[0]!)
    default:
      return task satisfies never
  }
}

function embedding(task: EmbedTask, { hidden }: PooledRows): Bare<Embedding> {
  const vector = embeddingVector(hidden, task.dimensions, task.useActivation)
  const [explanation] = explanations(task)
  return { vector, ...(explanation && { explanation }) }
}

function tokenEmbedding({ useActivation }: TokenEmbedTask, { rows, hidden }: PooledRows): Bare<TokenEmbedding> {
  const width = hidden.length / rows
  const data = new Float32Array(hidden.length)
  for (let row = 0; row < rows; row++) {
    const token = hidden.subarray(row * width, (row + 1) * width)
    data.set(embeddingVector(token, undefined, useActivation), row * width)
  }
  return { rows, width, data }
}

function pairScores(task: ScoreTask, computed: readonly PooledRows[], context: AnswerContext): Bare<Scores> {
  const scores = computed.map(({ logits }) => (task.useActivation ? sigmoid(logits[0]!) : logits[0]!))
  const explained = explanations(task).map((one, index) => ({ ...one, ...explainLogits(computed[index]!, context) }))
  return { scores, ...(task.texts && { explanations: explained }) }
}

function cosines(task: ScoreTask, [query, ...documents]: readonly PooledRows[]): Bare<Scores> {
  const scores = documents.map(({ hidden }) => cosine(query!.hidden, hidden))
  return { scores, ...(task.texts && { explanations: explanations(task).slice(1) }) }
}

/** One label is a yes or no, of several exactly one holds. */
function classification({ useActivation }: ClassifyTask, { logits }: PooledRows): Bare<Classification> {
  if (!useActivation) return { probs: logits }
  return { probs: logits.length === 1 ? logits.map(sigmoid) : softmax(logits) }
}

/** Empty for a task that was prepared without texts. */
function explanations({ texts = [], sequences }: Task): Explanation[] {
  return texts.map((prompt, index) => ({ prompt, ids: [...sequences[index]!.ids] }))
}

function explainLogits({ hidden, logits }: PooledRows, { yesNo }: AnswerContext): Partial<Explanation> {
  const logit = logits[0]!
  return yesNo === undefined ? { logit } : { logit, logitYes: dot(hidden, yesNo.yes), logitNo: dot(hidden, yesNo.no) }
}
