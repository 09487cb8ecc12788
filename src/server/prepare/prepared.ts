// What a request is once it is prepared: tasks for the engine, and the little that its answer depends on besides.

import type { CohereEmbedShape } from '../../api/cohere-embed.js'
import type { VectorFormat } from '../../api/floats.js'
import type { RerankShape } from '../../api/rerank.js'
import type { ClassifyTask, EmbedTask, LoadedVisuals, ScoreTask, Task, TokenEmbedTask } from '../../engine/requests.js'
import type { JsonTexts } from './json-texts.js'

interface PreparedAs<Kind extends string, Asked extends Task> {
  readonly kind: Kind
  readonly tasks: readonly Asked[]
  readonly priority: number
  readonly cacheSalt: string | undefined
  /** Its images and videos, once they are loaded. */
  readonly loaded?: LoadedVisuals | undefined
}

/** `shape` is plain data; `texts` are parts of the request that the answer repeats. */
interface Shaped<Shape> {
  readonly shape: Shape
  readonly texts?: JsonTexts | undefined
}

type Vectors = Shaped<{ encodingFormat: VectorFormat }>

export type PreparedEmbeddings = PreparedAs<'embeddings', EmbedTask> & Vectors
export type PreparedCohereEmbed = PreparedAs<'cohereEmbed', EmbedTask> & Shaped<Omit<CohereEmbedShape, 'texts'>>
export type PreparedTeiEmbed = PreparedAs<'teiEmbed', EmbedTask>
export type PreparedRerank = PreparedAs<'rerank', ScoreTask> & Shaped<Omit<RerankShape, 'echo'>>
export type PreparedScore = PreparedAs<'score', ScoreTask>
export type PreparedClassify = PreparedAs<'classify', ClassifyTask>
export type PreparedPooling = PreparedAs<'pooling', EmbedTask | TokenEmbedTask | ClassifyTask> & Vectors
/** Nothing is left to compute: `texts` are the pieces of the answer. */
export type PreparedAnswer = PreparedAs<'answer', never> & { readonly texts: JsonTexts }

/** What becomes of a body of each route. */
export interface PreparedRoutes {
  embeddings: PreparedEmbeddings
  cohereEmbed: PreparedCohereEmbed
  teiEmbed: PreparedTeiEmbed
  rerank: PreparedRerank
  /** The same paths, with SGLang's rules. */
  sglangRerank: PreparedRerank
  score: PreparedScore
  classify: PreparedClassify
  pooling: PreparedPooling
  tokenize: PreparedAnswer
  detokenize: PreparedAnswer
  /** The first of the others that the body fits. */
  invocations: PreparedEmbeddings | PreparedClassify | PreparedRerank | PreparedScore | PreparedPooling
}

export type PreparedRoute = keyof PreparedRoutes
export type PreparedOf<Route extends PreparedRoute> = PreparedRoutes[Route]
export type Prepared = PreparedRoutes[PreparedRoute]
