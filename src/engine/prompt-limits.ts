// The limits that a request asks for, checked against the model's.

import { QvlError } from '../errors.js'
import type { PromptLimits } from '../prompts/prompt.js'
import type { CutOptions } from './requests.js'

export function promptLimits(maxModelLen: number, { truncatePromptTokens, truncationSide }: CutOptions): PromptLimits {
  if (truncatePromptTokens === undefined) return { maxTokens: maxModelLen, overflow: 'error' }
  if (truncatePromptTokens > maxModelLen) {
    throw new QvlError('REQUEST_INVALID', {
      what: `truncate_prompt_tokens value is greater than max_model_len. Please request a smaller truncation size.`,
      why: `${truncatePromptTokens} was asked for and the limit is ${maxModelLen}.`,
      do: 'Use -1 to cut at the limit, or raise --max-model-len.',
      param: 'truncate_prompt_tokens',
    })
  }
  const maxTokens = truncatePromptTokens === -1 ? maxModelLen : truncatePromptTokens
  return { maxTokens, overflow: 'truncate', side: truncationSide }
}

/** `max_tokens_per_query` and `max_tokens_per_doc`: 0 cuts nothing. The texts are vLLM's. */
export function maxSideTokens(
  param: 'max_tokens_per_query' | 'max_tokens_per_doc',
  asked: number | undefined,
  maxModelLen: number,
): number | undefined {
  if (asked === undefined || asked === 0) return undefined
  const wrong = (what: string, todo: string) => new QvlError('REQUEST_INVALID', { what, do: todo, param })
  if (!Number.isInteger(asked) || asked < 0) {
    throw wrong(`${param} must be a non-negative integer.`, 'Use 0 to cut nothing.')
  }
  if (asked < maxModelLen) return asked
  throw wrong(
    `${param} (${asked}) must be less than max_model_len (${maxModelLen}).`,
    'Ask for fewer, or leave it out.',
  )
}

/** What a model says about the widths of its vectors. */
export interface VectorWidths {
  /** What the model is called. */
  name: string
  hidden: number
  /** Those a Matryoshka model was trained for; any width up to `hidden` when absent. */
  widths: readonly number[] | undefined
}

/** The texts are vLLM's. */
export function checkDimensions(dimensions: number | undefined, { name, hidden, widths }: VectorWidths): void {
  if (dimensions === undefined) return
  const listed = widths?.includes(dimensions) ?? true
  if (listed && dimensions >= 1 && dimensions <= hidden) return
  const allowed =
    widths === undefined ? `dimensions in range [1, ${hidden}]` : `Matryoshka dimensions [${widths.join(', ')}]`
  throw new QvlError('REQUEST_INVALID', {
    what: `Model '${name}' only supports ${allowed}, got ${dimensions}.`,
    do: 'Ask for one of them, or leave dimensions out.',
    param: 'dimensions',
  })
}
