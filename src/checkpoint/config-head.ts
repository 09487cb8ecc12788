// What config.json says about a model's head: classification, the yes/no tokens of a reranker, matryoshka sizes.

import { labelRange } from './config-limits.js'
import type { Fields } from './fields.js'

const classifierMethods = ['from_2_way_softmax', 'no_post_processing'] as const

export type ClassifierMethod = (typeof classifierMethods)[number]

/** What the logits of a head become. */
export type HeadActivation = 'identity' | 'sigmoid' | 'softmax'

export interface ClassifierConfig {
  /** Whether the architecture is a ...ForSequenceClassification. */
  sequenceClassification: boolean
  /** Rows of the classifier; undefined where the configuration does not say. */
  numLabels: number | undefined
  /** Names of the labels by number (`id2label`); empty where the configuration has none. */
  labelNames: ReadonlyMap<number, string>
  /** Undefined where the configuration does not say: then a sigmoid for one label, and softmax for several. */
  activation: HeadActivation | undefined
  /** vLLM's `classifier_from_token`: the tokens whose head rows make up the classifier. */
  classifierFromToken: readonly string[] | undefined
  /** vLLM's `is_original_qwen3_reranker`: the classifier is the second token's row minus the first one's. */
  isOriginalQwen3Reranker: boolean
  /** vLLM's `method`: how the classifier is made of those rows. */
  method: ClassifierMethod | undefined
}

/** Sizes an embedding may be cut to: `any` up to hidden, a list, or undefined where the configuration has neither. */
export type MatryoshkaDimensions = 'any' | readonly number[] | undefined

export function parseClassifier(fields: Fields, architecture: string): ClassifierConfig {
  const classifierFromToken = fields.optionalStrings('classifier_from_token')
  const isOriginalQwen3Reranker = fields.optionalBoolean('is_original_qwen3_reranker') ?? false
  if (classifierFromToken?.length === 0) throw fields.invalid('classifier_from_token', 'a list of at least one token')
  if (isOriginalQwen3Reranker && classifierFromToken !== undefined && classifierFromToken.length !== 2) {
    throw fields.invalid('classifier_from_token', 'two tokens, no and yes, when is_original_qwen3_reranker is set')
  }
  return {
    sequenceClassification: architecture.endsWith('ForSequenceClassification'),
    numLabels: parseNumLabels(fields),
    labelNames: parseLabelNames(fields),
    activation: parseActivation(fields),
    classifierFromToken,
    isOriginalQwen3Reranker,
    method: parseMethod(fields),
  }
}

export function parseMatryoshka(fields: Fields, hidden: number): MatryoshkaDimensions {
  const dimensions = fields.optionalInts('matryoshka_dimensions', { min: 1, max: hidden })
  return dimensions ?? (fields.optionalBoolean('is_matryoshka') === true ? 'any' : undefined)
}

function parseNumLabels(fields: Fields): number | undefined {
  const numNames = fields.optionalObject('id2label')?.names().length
  const numLabels = fields.optionalInt('num_labels', labelRange)
  if (numNames !== undefined && (numNames < labelRange.min || numNames > labelRange.max)) {
    throw fields.invalid('id2label', `an object of ${labelRange.min} to ${labelRange.max} names`)
  }
  if (numLabels !== undefined && numNames !== undefined && numLabels !== numNames) {
    throw fields.invalid('num_labels', `the number of names in id2label, ${numNames}`)
  }
  return numLabels ?? numNames
}

function parseLabelNames(fields: Fields): ReadonlyMap<number, string> {
  const names = fields.optionalObject('id2label')
  const numbers = names?.names().filter((key) => /^\d{1,9}$/.test(key)) ?? []
  return new Map(numbers.flatMap((key) => [[Number(key), names!.string(key)] as const]))
}

/** transformers' names of what a head was trained for. */
const problemTypes: Readonly<Record<string, HeadActivation | undefined>> = {
  regression: 'identity',
  multi_label_classification: 'sigmoid',
  single_label_classification: undefined,
}

/** PyTorch's classes. */
const activations: Readonly<Record<string, HeadActivation>> = {
  Identity: 'identity',
  Sigmoid: 'sigmoid',
  Softmax: 'softmax',
}

/**
 * As vLLM reads it: `problem_type`, then the function that the CrossEncoder of sentence-transformers applies, which newer
 * files keep in an object. A class that is not known would give other scores than its author's, so it is refused.
 */
function parseActivation(fields: Fields): HeadActivation | undefined {
  const problem = fields.optionalString('problem_type')
  if (problem !== undefined && Object.hasOwn(problemTypes, problem)) return problemTypes[problem]
  const inner = fields.optionalObject('sentence_transformers')
  const [owner, field] = inner?.has('activation_fn')
    ? ([inner, 'activation_fn'] as const)
    : ([fields, 'sbert_ce_default_activation_function'] as const)
  const name = owner.optionalString(field)?.split('.').at(-1)
  if (name === undefined) return undefined
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined
  if (activation === undefined) throw owner.unsupported(field, Object.keys(activations).join(', '))
  return activation
}

function parseMethod(fields: Fields): ClassifierMethod | undefined {
  const value = fields.optionalString('method')
  const method = classifierMethods.find((known) => known === value)
  if (value !== undefined && method === undefined)
    throw fields.invalid('method', `one of ${classifierMethods.join(', ')}`)
  return method
}
