// POST /embed, for the clients of Text Embeddings Inference.

import { teiEmbedSchema } from '../../api/schema/other-embed-schema.js'
import { renderTeiEmbed } from '../../api/tei-embed.js'
import type { Route } from '../route.js'
import { jsonAnswer, prepare, run } from './work.js'

export const teiEmbed: Route = {
  methods: ['POST'],
  paths: ['/embed'],
  name: 'tei_embed',
  summary: 'Vectors of texts, as Text Embeddings Inference takes and gives them.',
  works: true,
  describe: teiEmbedSchema,
  async handle(request, context) {
    const prepared = await prepare('teiEmbed', request, context)
    return jsonAnswer(renderTeiEmbed(await run(prepared, request, context)))
  },
}
