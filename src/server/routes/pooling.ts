// POST /pooling: what the model's pooler gives, as it is.

import { renderPooling, renderPoolingBytes } from '../../api/pooling.js'
import { poolingSchema } from '../../api/schema/prompt-schema.js'
import type { PreparedPooling } from '../prepare/prepared.js'
import type { Route, RouteAnswer, RouteRequest, ServerContext } from '../route.js'
import { answerHead, bytesAnswer, jsonAnswer, prepare, run } from './work.js'

export const pooling: Route = {
  methods: ['POST'],
  paths: ['/pooling'],
  name: 'pooling',
  summary: "What the model's pooler gives: a vector, a vector for each token, or scores.",
  works: true,
  describe: poolingSchema,
  handle: async (request, context) => answerPooling(await prepare('pooling', request, context), request, context),
}

export async function answerPooling(
  prepared: PreparedPooling,
  request: RouteRequest,
  context: ServerContext,
): Promise<RouteAnswer> {
  const results = await run(prepared, request, context)
  const head = answerHead(request, context)
  const { encodingFormat: format } = prepared.shape
  if (format.encoding === 'float' || format.encoding === 'base64') {
    return jsonAnswer(renderPooling(head, format, results))
  }
  return bytesAnswer(renderPoolingBytes(head, format, results))
}
