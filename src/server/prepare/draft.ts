// A body, read and checked: what is asked, before its images are loaded and its texts are tokenised. Plain data but for
// the texts of the answer.

import type { CohereEmbedShape } from '../../api/cohere-embed.js'
import type { RerankShape } from '../../api/rerank.js'
import type { DetokenizeBody, TokenizeBody } from '../../api/tokenize.js'
import type { ClassifyRequest, EmbedRequest, ScoreRequest } from '../../engine/requests.js'
import type { JsonTexts } from './json-texts.js'
import type { PreparedEmbeddings } from './prepared.js'

type Vectors = { shape: PreparedEmbeddings['shape'] }
type Embeds = { requests: readonly EmbedRequest[] }
type Pairs = { requests: readonly ScoreRequest[] }
type Prompts = { requests: readonly ClassifyRequest[] }
/** What the answer repeats of the request. */
type Repeats = { texts?: JsonTexts | undefined }

/** By what is asked. */
export type DraftBody =
  | ({ kind: 'embeddings' } & Embeds & Vectors)
  | ({ kind: 'cohereEmbed'; shape: Omit<CohereEmbedShape, 'texts'> } & Embeds & Repeats)
  | ({ kind: 'teiEmbed' } & Embeds)
  /** One request. */
  | ({ kind: 'rerank'; shape: Omit<RerankShape, 'echo'> } & Pairs & Repeats)
  | ({ kind: 'score' } & Pairs)
  | ({ kind: 'classify' } & Prompts)
  | ({ kind: 'pooling'; task: 'embed' | 'token_embed' } & Embeds & Vectors)
  | ({ kind: 'pooling'; task: 'classify' } & Prompts & Vectors)
  | { kind: 'tokenize'; body: TokenizeBody }
  | { kind: 'detokenize'; body: DetokenizeBody }

export type Draft = DraftBody & {
  priority: number
  cacheSalt: string | undefined
}
