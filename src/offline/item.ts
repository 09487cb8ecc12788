// One input line: what it asks of the engine, and how its answer or its failure is written.

import { errorMessage } from '../api/errors.js'
import { type Fields, isObject } from '../api/fields.js'
import type { RequestDefaults } from '../api/request-options.js'
import type { RequestSettings } from '../api/request-settings.js'
import type {
  Embedding,
  EmbedRequest,
  EmbedTask,
  Engine,
  ScoreRequest,
  Scores,
  ScoreTask,
  Usage,
} from '../engine/requests.js'
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

/** An input line as it goes through a run. */
export interface Item {
  /** Line number in the input, from 1. */
  line: number
  /** Position in the output, from 0. */
  index: number
  /** An error when the line asks for something wrong. */
  work: Work | QvlError
  failure: LineForm['failure']
}

/** What a line asks for. */
export interface Asked {
  requests: readonly LineRequest[]
  /** The output line, from an answer to each request. */
  render(answers: readonly Answer[]): object
}

export type LineRequest = { kind: 'embed'; request: EmbedRequest } | { kind: 'score'; request: ScoreRequest }

/** The same with the images and videos loaded and the prompts made. */
export interface Work extends Pick<Asked, 'render'> {
  tasks: readonly LineTask[]
}

/** A line in one of the accepted forms. */
export interface LineForm {
  /** Throws a QvlError when the line asks for something wrong. */
  ask(): Asked
  /** The output line when it cannot be answered. */
  failure(error: QvlError): object
}

/** What parsers need to know: the flags stand for what a line leaves out. */
export function lineSettings({ engine, defaults }: LineContext): RequestSettings {
  const { model, preparer } = engine
  const { promptNames } = model
  return { ...defaults, promptNames, renderChat: (messages, options) => preparer.renderChat(messages, options) }
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
