// What the answers of all endpoints have in common: id, time, model and token counts.

import { createHash, randomBytes } from 'node:crypto'
import type { Usage } from '../engine/requests.js'

/** vLLM's ids are a prefix and 16 hexadecimal digits. */
const idBytes = 8

export interface AnswerHead {
  /** 16 hexadecimal digits; each endpoint puts its prefix before them. */
  id: string
  /** Unix time in seconds. */
  created: number
  /** The served model, whatever the request asked for. */
  model: string
}

/** An id that nobody can guess, for answers over HTTP. */
export const randomId = (): string => randomBytes(idBytes).toString('hex')

/** The same id for the same seed, for batch files that must come out the same twice. */
export function derivedId(seed: string): string {
  return createHash('sha256')
    .update(seed)
    .digest('hex')
    .slice(0, 2 * idBytes)
}

export function addUsage(usages: readonly Usage[]): Usage {
  return usages.reduce(
    (sum, usage) => ({
      promptTokens: sum.promptTokens + usage.promptTokens,
      cachedTokens: sum.cachedTokens + usage.cachedTokens,
    }),
    { promptTokens: 0, cachedTokens: 0 },
  )
}

/** The usage of embeddings and scores, as vLLM writes it without --enable-prompt-tokens-details. */
export function renderUsage({ promptTokens }: Usage): object {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens,
    completion_tokens: 0,
    prompt_tokens_details: null,
  }
}
