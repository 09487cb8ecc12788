// One input line: what it asks of the engine, and how its answer or its failure is written.

import { errorMessage } from '../api/errors.js'
import { type Fields, isObject } from '../api/fields.js'
import type { RequestDefaults } from '../api/request-options.js'
import type { Embedding, EmbedTask, Engine, Scores, ScoreTask, Usage } from '../engine/requests.js'
import { asQvlError, type QvlError } from '../errors.js'

export type Answer = Embedding | Scores
export type LineTask = EmbedTask | ScoreTask

/** What reading a line needs to know. */
export interface LineContext {
  engine: Engine
  command: 'score' | 'embed'
  format: 'jsonl' | 'npy'
  defaults: RequestDefaults
  /** Prepare tasks with their texts, so that answers come with explanations. */
  explain: boolean
}

export interface Work {
  tasks: readonly LineTask[]
  /** The output line. */
  render(answers: readonly Answer[]): object
}

/** A line in one of the accepted forms. */
export interface LineForm {
  /** Throws a QvlError when the line asks for something wrong. */
  prepare(): Work
  /** The output line when it cannot be answered. */
  failure(error: QvlError): object
}

/** The id of a line, or its position among the lines that are not blank, from 0: its row in the output. */
export type LineName = { id: string | number } | { index: number }

/** A line whose id cannot be used goes by its index. */
export function lineName(value: unknown, index: number): LineName {
  const id = isObject(value) ? value.id : undefined
  return isId(id) ? { id } : { index }
}

/** Throws REQUEST_INVALID for an id that would not come back as it was sent. */
export function checkId(fields: Fields): void {
  const id = fields.get('id')
  if (id !== undefined && !isId(id)) throw fields.invalid('id', 'a string, or a whole number below 2^53')
}

export function lineFailure(name: LineName, error: QvlError): object {
  const { param } = error.details
  return {
    ...name,
    error: { code: error.code, message: errorMessage(error), ...(param === undefined ? {} : { param }) },
  }
}

export function lineUsage({ promptTokens, cachedTokens }: Usage): object {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}

export function asEmbedding(answer: Answer | undefined): Embedding {
  if (answer !== undefined && 'vector' in answer) return answer
  throw asQvlError(new TypeError('expected an embedding'))
}

export function asScores(answer: Answer | undefined): Scores {
  if (answer !== undefined && 'scores' in answer) return answer
  throw asQvlError(new TypeError('expected scores'))
}

const isId = (id: unknown): id is string | number => typeof id === 'string' || Number.isSafeInteger(id)
