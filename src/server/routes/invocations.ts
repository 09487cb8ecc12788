// POST /invocations: SageMaker's one path for everything.

import { invocationsSchema } from '../../api/schema/server-schema.js'
import type { Route, RouteAnswer } from '../route.js'
import { answerClassify } from './classify.js'
import { answerEmbeddings } from './embeddings.js'
import { answerPooling } from './pooling.js'
import { answerRerank } from './rerank.js'
import { answerScore } from './score.js'
import { prepare } from './work.js'

export const invocations: Route = {
  methods: ['POST'],
  paths: ['/invocations'],
  name: 'invocations',
  summary: 'Any of the requests above: the first endpoint that understands the body answers it.',
  works: true,
  describe: invocationsSchema,
  async handle(request, context): Promise<RouteAnswer> {
    const prepared = await prepare('invocations', request, context)
    switch (prepared.kind) {
      case 'embeddings':
        return answerEmbeddings(prepared, request, context)
      case 'classify':
        return answerClassify(prepared, request, context)
      case 'rerank':
        return answerRerank(prepared, request, context)
      case 'score':
        return answerScore(prepared, request, context)
      case 'pooling':
        return answerPooling(prepared, request, context)
      default:
        return prepared satisfies never
    }
  },
}
