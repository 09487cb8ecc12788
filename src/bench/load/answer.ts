// What an answer says about tokens, read without parsing thousands of numbers.

import { maxParsedBytes } from '../limits.js'
import { topLevelValue } from './json-value.js'

export interface AnswerTokens {
  /** 0 when the server does not say. */
  prompt: number
  /** Of those, found in the server's cache; undefined when the server does not say. */
  cached: number | undefined
}

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

const noTokens: AnswerTokens = { prompt: 0, cached: undefined }

/** Undefined when the answer is no JSON, and does not say that it is something else. */
export function readAnswer(headers: AnswerHeaders, chunks: readonly Buffer[]): AnswerTokens | undefined {
  // The `bytes` encodings of vLLM: vectors as they are, and the JSON that goes with them in a header.
  if (typeof headers.metadata === 'string') return tokensOf(parsed(headers.metadata))
  // `bytes_only` is the same without the header.
  if (headers['content-type'] === 'application/octet-stream') return noTokens
  const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  const tokens = body.length <= maxParsedBytes ? tokensOf(parsed(body.toString())) : longAnswerTokens(body)
  // text-embeddings-inference counts in a header.
  const counted = tokens?.prompt === 0 ? Number(headers['x-compute-tokens']) : Number.NaN
  return Number.isFinite(counted) ? { ...noTokens, prompt: counted } : tokens
}

function longAnswerTokens(body: Buffer): AnswerTokens | undefined {
  const usage = topLevelValue(body, 'usage')
  if (usage === undefined || usage === '') return usage === '' ? noTokens : undefined
  const value = parsed(usage)
  return value === undefined ? undefined : tokensOf({ usage: value })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The caller counts the answer as failed.
    return undefined
  }
}

function tokensOf(answer: unknown): AnswerTokens | undefined {
  if (Array.isArray(answer)) return arrayTokens(answer)
  if (!isObject(answer)) return undefined
  const { usage } = answer
  if (!isObject(usage)) return noTokens
  const { prompt_tokens_details: details } = usage
  return {
    // Rerank answers of vLLM before 0.13 have only the total; there is nothing but the prompt in it.
    prompt: count(usage.prompt_tokens) ?? count(usage.total_tokens) ?? 0,
    cached: isObject(details) ? count(details.cached_tokens) : undefined,
  }
}

/** SGLang counts item by item, where it counts. */
function arrayTokens(items: readonly unknown[]): AnswerTokens {
  let prompt = 0
  for (const item of items) {
    if (isObject(item) && isObject(item.meta_info)) prompt += count(item.meta_info.prompt_tokens) ?? 0
  }
  return { prompt, cached: undefined }
}

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
