// POST /v2/embed, for the clients of Cohere.

import { renderCohereEmbed } from '../../api/cohere-embed.js'
import { cohereEmbedSchema } from '../../api/schema/other-embed-schema.js'
import type { Route } from '../route.js'
import { answerHead, jsonAnswer, prepare, run } from './work.js'

export const cohereEmbed: Route = {
  methods: ['POST'],
  paths: ['/v2/embed'],
  name: 'cohere_embed',
  summary: 'Vectors of texts, as Cohere takes and gives them.',
  works: true,
  describe: cohereEmbedSchema,
  async handle(request, context) {
    const prepared = await prepare('cohereEmbed', request, context)
    const results = await run(prepared, request, context)
    const { shape, texts } = prepared
    return jsonAnswer(renderCohereEmbed(answerHead(request, context), { ...shape, texts }, results))
  },
}
