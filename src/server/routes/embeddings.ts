// POST /v1/embeddings.

import { renderEmbeddings } from '../../api/openai-embeddings.js'
import { embeddingsSchema } from '../../api/schema/prompt-schema.js'
import { renderVectorBytes } from '../../api/vector-bytes.js'
import type { PreparedEmbeddings } from '../prepare/prepared.js'
import type { Route, RouteAnswer, RouteRequest, ServerContext } from '../route.js'
import { answerHead, bytesAnswer, jsonAnswer, prepare, run } from './work.js'

export const embeddings: Route = {
  methods: ['POST'],
  // TEI and Infinity have the short one.
  paths: ['/v1/embeddings', '/embeddings'],
  name: 'embeddings',
  summary: "Vectors of texts or conversations: OpenAI's request with vLLM's additions.",
  works: true,
  describe: embeddingsSchema,
  handle: async (request, context) => answerEmbeddings(await prepare('embeddings', request, context), request, context),
}

export async function answerEmbeddings(
  prepared: PreparedEmbeddings,
  request: RouteRequest,
  context: ServerContext,
): Promise<RouteAnswer> {
  const results = await run(prepared, request, context)
  const head = answerHead(request, context)
  const { encodingFormat: format } = prepared.shape
  if (format.encoding === 'float' || format.encoding === 'base64') {
    return jsonAnswer(renderEmbeddings(head, format, results))
  }
  const vectors = results.map(({ vector, usage }) => ({ data: vector, shape: [vector.length], usage }))
  return bytesAnswer(renderVectorBytes('embd', head, format, vectors))
}
