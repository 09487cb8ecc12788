// POST /invocations (SageMaker): the body says which endpoint is meant; the first that understands it answers.

import type { ScoreRequest } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import { type ClassifyBody, parseClassify } from './classify.js'
import { type EmbeddingsBody, parseEmbeddings } from './openai-embeddings.js'
import { type PoolingBody, parsePooling } from './pooling.js'
import type { RequestSettings } from './request-settings.js'
import { parseRerank, type RerankBody } from './rerank.js'
import { parseScore } from './score.js'

export type Invocation =
  | { endpoint: 'embeddings'; body: EmbeddingsBody }
  | { endpoint: 'classify'; body: ClassifyBody }
  | { endpoint: 'rerank'; body: RerankBody }
  | { endpoint: 'score'; body: readonly ScoreRequest[] }
  | { endpoint: 'pooling'; body: PoolingBody }

type Reader = (body: unknown, path: string, settings: RequestSettings) => Invocation

const readers: Readonly<Record<Invocation['endpoint'], Reader>> = {
  embeddings: (...of) => ({ endpoint: 'embeddings', body: parseEmbeddings(...of) }),
  classify: (...of) => ({ endpoint: 'classify', body: parseClassify(...of) }),
  rerank: (...of) => ({ endpoint: 'rerank', body: parseRerank(...of) }),
  score: (...of) => ({ endpoint: 'score', body: parseScore(...of) }),
  pooling: (...of) => ({ endpoint: 'pooling', body: parsePooling(...of) }),
}

/** vLLM's order, without what the model cannot do. */
const endpoints = {
  embed: ['embeddings', 'rerank', 'score', 'pooling'],
  score: ['classify', 'rerank', 'score', 'pooling'],
} as const

/**
 * Throws what the endpoint throws for a body of its form with a wrong content, and REQUEST_INVALID with vLLM's text
 * when no endpoint has the form.
 */
export function parseInvocation(body: unknown, path: string, settings: RequestSettings = {}): Invocation {
  const candidates = endpoints[settings.model?.kind ?? 'embed']
  for (const endpoint of candidates) {
    try {
      return readers[endpoint](body, path, settings)
    } catch (error) {
      if (!(error instanceof QvlError) || error.code !== 'REQUEST_SCHEMA') throw error
    }
  }
  const names = candidates.map((name) => `'${name}'`).join(', ')
  throw new QvlError('REQUEST_INVALID', {
    what: `Cannot find suitable handler for request. Expected one of: [${names}]`,
  })
}
