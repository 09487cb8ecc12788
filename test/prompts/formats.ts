// The prompt formats with the tokenizers of the golden checkpoints, and helpers to read their prompts.

import type { Content } from '#qvl/prompts/content.js'
import type { PromptLimits, ScoreItem } from '#qvl/prompts/prompt.js'
import { qwen3Embedding } from '#qvl/prompts/qwen3-embedding.js'
import { qwen3Reranker } from '#qvl/prompts/qwen3-reranker.js'
import { qwen3VlEmbedding } from '#qvl/prompts/qwen3-vl-embedding.js'
import { qwen3VlReranker } from '#qvl/prompts/qwen3-vl-reranker.js'
import { openTokenizer, type Tokenizer, type TokenizerOptions } from '#qvl/text/tokenizer.js'
import { goldenPath, type ScoreCase, type VlContent } from '../support/golden.js'

export const embedFormats = { 'qwen3-embedding': qwen3Embedding, 'qwen3-vl-embedding': qwen3VlEmbedding } as const

export const scoreFormats = {
  'qwen3-reranker': qwen3Reranker,
  'qwen3-reranker-seq-cls': qwen3Reranker,
  'qwen3-vl-reranker': qwen3VlReranker,
} as const

export const goldenTokenizer = (checkpoint: string, options?: TokenizerOptions): Promise<Tokenizer> =>
  openTokenizer(goldenPath(`checkpoints/${checkpoint}`), options)

export const unlimited: PromptLimits = { maxTokens: 8192, overflow: 'error' }

/** The limit of a golden case. */
export const goldenLimits = (maxLength: number | undefined): PromptLimits =>
  maxLength === undefined ? unlimited : { maxTokens: maxLength, overflow: 'truncate' }

/** One side of a request as the golden files write it: a string for text models, an object for VL models. */
export function goldenContent(side: string | VlContent): Content {
  if (typeof side === 'string') return side
  if (typeof side.text === 'string') return side.text
  return (side.text ?? []).map((text) => ({ type: 'text', text }))
}

export const goldenPair = ({ query, document, instruction }: ScoreCase['input']): ScoreItem => ({
  query: goldenContent(query),
  document: goldenContent(document),
  instruction: instruction ?? undefined,
})
