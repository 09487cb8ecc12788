// What the answers of all endpoints have in common: id, time, model and token counts.

import { createHash, randomBytes } from 'node:crypto'
import type { Usage } from '../engine/requests.js'
import { JsonPieces } from './json-pieces.js'

/** vLLM's ids are a prefix and 16 hexadecimal digits. */
const idBytes = 8

export interface AnswerHead {
  /** 16 hexadecimal digits, or what the client sent; each endpoint puts its prefix before it. */
  id: string
  /** Unix time in seconds. */
  created: number
  /** The served model, whatever the request asked for. */
  model: string
  /** Say how many tokens were cached (vLLM's --enable-prompt-tokens-details). */
  promptTokensDetails?: boolean | undefined
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

/** The usage of everything but reranking. */
export function renderUsage({ promptTokens, cachedTokens }: Usage, head: AnswerHead): object {
  const details = head.promptTokensDetails === true && cachedTokens > 0
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens,
    completion_tokens: 0,
    prompt_tokens_details: details ? { cached_tokens: cachedTokens } : null,
  }
}

/** `{"id", "object": "list", "created", "model", "data": […], "usage"}`, the frame of vLLM's pooling answers. */
export function renderList(
  prefix: string,
  head: AnswerHead,
  data: () => Iterable<string>,
  results: readonly { usage: Usage }[],
): JsonPieces {
  const { created, model } = head
  const start = JSON.stringify({ id: `${prefix}-${head.id}`, object: 'list', created, model })
  const usage = JSON.stringify(renderUsage(addUsage(results.map((result) => result.usage)), head))
  return new JsonPieces(function* () {
    yield `${start.slice(0, -1)},"data":[`
    yield* data()
    yield `],"usage":${usage}}`
  })
}
