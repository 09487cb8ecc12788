// The planner of each route: parses the JSON value, and knows what is left to do with it.

import { parseClassify } from '../../api/classify.js'
import { parseCohereEmbed } from '../../api/cohere-embed.js'
import { parseInvocation } from '../../api/invocations.js'
import { parseEmbeddings } from '../../api/openai-embeddings.js'
import { parsePooling } from '../../api/pooling.js'
import { parseRerank } from '../../api/rerank.js'
import { parseScore } from '../../api/score.js'
import { parseTeiEmbed } from '../../api/tei-embed.js'
import { parseDetokenize, parseTokenize } from '../../api/tokenize.js'
import type { Plan, PlanContext } from './plan.js'
import * as plans from './plans.js'
import type { PreparedOf, PreparedRoutes } from './prepared.js'

type Planner<Result> = (json: unknown, context: PlanContext) => Plan<Result>

export const planners: { readonly [Route in keyof PreparedRoutes]: Planner<PreparedRoutes[Route]> } = {
  embeddings: (json, context) => plans.embeddings(parseEmbeddings(json, 'body', context.settings), context),
  cohereEmbed: (json, context) => plans.cohereEmbed(parseCohereEmbed(json, 'body', context.settings), context),
  teiEmbed: (json, context) => plans.teiEmbed(parseTeiEmbed(json, 'body', context.settings), context),
  rerank: (json, context) => plans.rerank(parseRerank(json, 'body', context.settings), context),
  sglangRerank(json, context) {
    const settings = { ...context.settings, style: 'sglang' } as const
    return plans.rerank(parseRerank(json, 'body', settings), context)
  },
  score: (json, context) => plans.score(parseScore(json, 'body', context.settings), context),
  classify: (json, context) => plans.classify(parseClassify(json, 'body', context.settings), context),
  pooling: (json, context) => plans.pooling(parsePooling(json, 'body', context.settings), context),
  tokenize: (json, context) => plans.tokenize(parseTokenize(json, 'body', context.settings), context),
  detokenize: (json, context) => plans.detokenize(parseDetokenize(json, 'body'), context),
  invocations: planInvocation,
}

function planInvocation(json: unknown, context: PlanContext): Plan<PreparedOf<'invocations'>> {
  const invocation = parseInvocation(json, 'body', context.settings)
  switch (invocation.endpoint) {
    case 'embeddings':
      return plans.embeddings(invocation.body, context)
    case 'classify':
      return plans.classify(invocation.body, context)
    case 'rerank':
      return plans.rerank(invocation.body, context)
    case 'score':
      return plans.score(invocation.body, context)
    case 'pooling':
      return plans.pooling(invocation.body, context)
    default:
      return invocation satisfies never
  }
}
