// POST /score.

import { scoreSchema } from '../../api/schema/pair-schema.js'
import { renderScores } from '../../api/score.js'
import type { PreparedScore } from '../prepare/prepared.js'
import type { Route, RouteAnswer, RouteRequest, ServerContext } from '../route.js'
import { answerHead, jsonAnswer, prepare, run } from './work.js'

export const score: Route = {
  methods: ['POST'],
  paths: ['/score', '/v1/score'],
  name: 'score',
  summary: 'A score for each pair: one text with one, one with many, or many with many.',
  works: true,
  describe: scoreSchema,
  handle: async (request, context) => answerScore(await prepare('score', request, context), request, context),
}

export async function answerScore(
  prepared: PreparedScore,
  request: RouteRequest,
  context: ServerContext,
): Promise<RouteAnswer> {
  const results = await run(prepared, request, context)
  return jsonAnswer(renderScores(answerHead(request, context), results))
}
