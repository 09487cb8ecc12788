// The fields that embedding, score and rerank requests share, and the refusal of those that would be lost.

import { QvlError } from '../errors.js'
import { type Fields, isObject } from './fields.js'
import type { EncodingFormat } from './floats.js'

/** Values for fields that a request leaves out: the flags of the command line. */
export interface RequestDefaults {
  instruction?: string | undefined
  dimensions?: number | undefined
  truncatePromptTokens?: number | undefined
  topN?: number | undefined
  encodingFormat?: EncodingFormat | undefined
}

export interface RequestOptions {
  instruction: string | undefined
  truncatePromptTokens: number | undefined
  useActivation: boolean | undefined
}

export function parseRequestOptions(fields: Fields, defaults: RequestDefaults): RequestOptions {
  refuseUnsupported(fields)
  return {
    instruction: parseInstruction(fields) ?? defaults.instruction,
    truncatePromptTokens: fields.integer('truncate_prompt_tokens', -1) ?? defaults.truncatePromptTokens,
    useActivation: fields.boolean('use_activation'),
  }
}

/** 0 and null mean all results, as does leaving it out. */
export function parseTopN(fields: Fields, defaults: RequestDefaults): number | undefined {
  const topN = fields.integer('top_n', 0) ?? defaults.topN
  return topN === 0 ? undefined : topN
}

/** vLLM's name, or SGLang's `instruct`. */
function parseInstruction(fields: Fields): string | undefined {
  const instruction = fields.string('instruction')
  const instruct = fields.string('instruct')
  if (instruction !== undefined && instruct !== undefined && instruction !== instruct) {
    throw new QvlError('REQUEST_INVALID', {
      what: '`instruction` and `instruct` differ.',
      why: 'They are two names of one field.',
      do: 'Send one of them.',
      param: fields.pathOf('instruct'),
    })
  }
  return instruction ?? instruct
}

/**
 * Unknown fields are ignored, as vLLM does. These are known, change vLLM's answer, and are not supported here: the
 * answer without them would be a different one, so they are refused. Each is accepted with a value that does nothing.
 */
const unsupported: Readonly<Record<string, (value: unknown) => boolean>> = {
  truncation_side: (value) => value === 'right',
  max_tokens_per_query: (value) => value === 0,
  max_tokens_per_doc: (value) => value === 0,
  add_special_tokens: (value) => value === true,
  chat_template: () => false,
  chat_template_kwargs: isEmpty,
  mm_processor_kwargs: isEmpty,
}

function refuseUnsupported(fields: Fields): void {
  for (const [key, doesNothing] of Object.entries(unsupported)) {
    const value = fields.get(key)
    if (value === undefined || doesNothing(value)) continue
    throw new QvlError('REQUEST_INVALID', {
      what: `\`${fields.pathOf(key)}\` is not supported.`,
      why: 'Ignoring it would give a different answer than the one asked for.',
      do: 'Leave it out.',
      param: fields.pathOf(key),
    })
  }
}

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0
}
