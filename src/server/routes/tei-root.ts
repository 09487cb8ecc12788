// POST /, where clients of Text Embeddings Inference ask that are given an address and no path.

import { teiEmbedSchema } from '../../api/schema/other-embed-schema.js'
import type { Route } from '../route.js'
import { rerank } from './rerank.js'
import { teiEmbed } from './tei-embed.js'

export const teiRoot: Route = {
  methods: ['POST'],
  paths: ['/'],
  name: 'tei',
  summary: 'As /embed, or for a reranker as /rerank with `texts`: where clients of TEI ask.',
  works: true,
  describe: teiEmbedSchema,
  handle: (request, context) => (context.engine.model.kind === 'embed' ? teiEmbed : rerank).handle(request, context),
}
