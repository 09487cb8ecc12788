// Cuts prompts again where the server counts more tokens than the client did.

import type { BenchRequest } from './request.js'

export interface ServerTokenizer {
  /** POST /tokenize with add_special_tokens false. */
  tokenize(prompt: string): Promise<readonly number[]>
  /** POST /detokenize. */
  detokenize(tokens: readonly number[]): Promise<string>
}

/** Prompts in work at a time, as in vLLM. */
const maxParallel = 64

export interface Aligned {
  requests: readonly BenchRequest[]
  /** What vLLM prints, without a prefix of its own. */
  notes: readonly string[]
}

/**
 * Only for prompts that are plain strings. The first one tells whether the counts differ; then each longer prompt is cut
 * to its length in the server's tokens. A prompt that the server fails on stays as it is, and a note counts those.
 */
export async function alignToServer(requests: readonly BenchRequest[], server: ServerTokenizer): Promise<Aligned> {
  const first = requests[0]
  if (first === undefined || typeof first.prompt !== 'string') return { requests, notes: [] }
  const counted = await server.tokenize(first.prompt).catch(() => undefined)
  if (counted === undefined) return { requests, notes: ['WARNING: /tokenize unavailable, skipping alignment.'] }
  if (counted.length === first.promptLen) return { requests, notes: [] }
  const counts = `server=${counted.length}, expected=${first.promptLen}`
  const notes = [`WARNING: tokenizer mismatch (${counts}), re-aligning prompts.`]
  const { aligned, failed } = await alignAll(requests, server)
  if (failed > 0) notes.push(`WARNING: ${failed} prompts keep their length: the server failed to tokenize them.`)
  return { requests: aligned, notes }
}

async function alignAll(
  requests: readonly BenchRequest[],
  server: ServerTokenizer,
): Promise<{ aligned: BenchRequest[]; failed: number }> {
  const aligned = [...requests]
  let failed = 0
  const waiting = requests.entries()
  const work = async (): Promise<void> => {
    for (const [i, request] of waiting) {
      const cut = await alignOne(request, server).catch(() => undefined)
      if (cut === undefined) failed += 1
      else aligned[i] = cut
    }
  }
  await Promise.all(Array.from({ length: Math.min(maxParallel, requests.length) }, work))
  return { aligned, failed }
}

async function alignOne(request: BenchRequest, server: ServerTokenizer): Promise<BenchRequest> {
  if (typeof request.prompt !== 'string') return request
  const tokens = await server.tokenize(request.prompt)
  if (tokens.length <= request.promptLen) return request
  return { ...request, prompt: await server.detokenize(tokens.slice(0, request.promptLen)) }
}
