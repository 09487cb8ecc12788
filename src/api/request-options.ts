// The fields that embedding, score and rerank requests share, and the refusal of those that would be lost.

import type { VisualSettings } from '../engine/requests.js'
import { type Fields, refusal } from './fields.js'
import { checkText, type RequestSettings } from './request-settings.js'
import { parseVisualSettings } from './visual-settings.js'

export type { RequestDefaults } from './request-settings.js'

/** What every request about prompts may say. */
export interface RequestOptions {
  truncatePromptTokens: number | undefined
  truncationSide: 'left' | 'right' | undefined
  useActivation: boolean | undefined
  visualSettings: VisualSettings | undefined
}

export function parseRequestOptions(fields: Fields, settings: RequestSettings): RequestOptions {
  refuseTensors(fields)
  return {
    truncatePromptTokens: parseTruncation(fields, settings),
    truncationSide: fields.oneOf('truncation_side', ['left', 'right']),
    useActivation: fields.boolean('use_activation'),
    visualSettings: parseVisualSettings(fields),
  }
}

/** vLLM's name, or SGLang's `instruct`. */
export function parseInstruction(fields: Fields, settings: RequestSettings): string | undefined {
  const instruction = fields.string('instruction')
  const instruct = fields.string('instruct')
  checkText(instruction ?? '', fields.pathOf('instruction'), settings)
  checkText(instruct ?? '', fields.pathOf('instruct'), settings)
  if (instruction !== undefined && instruct !== undefined && instruction !== instruct) {
    throw refusal(fields.pathOf('instruct'), '`instruction` and `instruct` differ.', {
      why: 'They are two names of one field.',
      do: 'Send one of them.',
    })
  }
  return instruction ?? instruct ?? settings.instruction
}

/** vLLM's own texts, because clients look for them. */
export function refuseRemoved(fields: Fields): void {
  if (!fields.has('normalize')) return
  throw refusal(
    fields.pathOf('normalize'),
    'Parameter `normalize` was removed; use `use_activation` instead. (parameter=normalize)',
  )
}

/** For requests whose answer has no width. */
export function refuseDimensions(fields: Fields): void {
  if (!fields.has('dimensions')) return
  throw refusal(
    fields.pathOf('dimensions'),
    "Task 'classify' only supports ['use_activation'] parameters, does not support ['dimensions'] parameters",
  )
}

function parseTruncation(fields: Fields, { truncatePromptTokens, model }: RequestSettings): number | undefined {
  const asked = fields.integer('truncate_prompt_tokens', -1)
  if (asked === undefined) return truncatePromptTokens
  if (model === undefined || asked <= model.maxModelLen) return asked
  throw refusal(
    fields.pathOf('truncate_prompt_tokens'),
    'truncate_prompt_tokens value is greater than max_model_len. Please request a smaller truncation size.',
    { why: `${asked} was asked for and the limit is ${model.maxModelLen}.` },
  )
}

/** What a client computed itself is not taken: serialized tensors were a way in once (CVE-2025-62164). */
const tensors = ['prompt_embeds', 'image_embeds', 'multi_modal_data'] as const

function refuseTensors(fields: Fields): void {
  const sent = tensors.find((key) => fields.has(key))
  if (sent === undefined) return
  throw refusal(fields.pathOf(sent), `\`${fields.pathOf(sent)}\` is not supported.`, {
    why: 'Tensors that a client made are not read.',
    do: 'Send the text or the image itself.',
  })
}
