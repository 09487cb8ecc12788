// The route table: every path the server answers, in the order the documentation shows them.

import type { Route } from './route.js'
import { classify } from './routes/classify.js'
import { cohereEmbed } from './routes/cohere-embed.js'
import { embeddings } from './routes/embeddings.js'
import { explain } from './routes/explain.js'
import { invocations } from './routes/invocations.js'
import { documentationRoutes } from './routes/meta/documentation.js'
import { health, live, ping, ready } from './routes/meta/health.js'
import { load } from './routes/meta/load.js'
import { metrics } from './routes/meta/metrics.js'
import { models } from './routes/meta/models.js'
import { pageRoutes } from './routes/meta/page.js'
import { version } from './routes/meta/version.js'
import { pooling } from './routes/pooling.js'
import { rerank } from './routes/rerank.js'
import { score } from './routes/score.js'
import { teiEmbed } from './routes/tei-embed.js'
import { teiRoot } from './routes/tei-root.js'
import { detokenize, tokenize } from './routes/tokenize.js'

export interface RouteTableOptions {
  /** Without it, /docs and /openapi.json are left out (vLLM's --disable-fastapi-docs). */
  documentation: boolean
  /** The page at / for people (default: none). */
  page?: boolean
}

export function routeTable({ documentation, page = false }: RouteTableOptions): readonly Route[] {
  const described = documentation ? documentationRoutes(routes) : []
  const shown = page ? pageRoutes({ documentation }) : []
  return [...routes, ...described, ...shown]
}

const routes: readonly Route[] = [
  embeddings,
  rerank,
  score,
  classify,
  pooling,
  cohereEmbed,
  teiEmbed,
  teiRoot,
  invocations,
  tokenize,
  detokenize,
  explain,
  models,
  health,
  ready,
  live,
  ping,
  version,
  load,
  metrics,
]
