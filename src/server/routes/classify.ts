// POST /classify.

import { renderClassify } from '../../api/classify.js'
import { classifySchema } from '../../api/schema/prompt-schema.js'
import type { PreparedClassify } from '../prepare/prepared.js'
import type { Route, RouteAnswer, RouteRequest, ServerContext } from '../route.js'
import { answerHead, jsonAnswer, prepare, run } from './work.js'

export const classify: Route = {
  methods: ['POST'],
  paths: ['/classify'],
  name: 'classify',
  summary: 'The labels of finished prompts, for models with a head; nothing is put around the prompts.',
  works: true,
  describe: classifySchema,
  handle: async (request, context) => answerClassify(await prepare('classify', request, context), request, context),
}

export async function answerClassify(
  prepared: PreparedClassify,
  request: RouteRequest,
  context: ServerContext,
): Promise<RouteAnswer> {
  const results = await run(prepared, request, context)
  return jsonAnswer(renderClassify(answerHead(request, context), context.engine.model.labels, results))
}
