// POST /rerank, for the clients of vLLM, Cohere, Jina, TEI and SGLang.

import { renderRerank } from '../../api/rerank.js'
import { rerankSchema } from '../../api/schema/pair-schema.js'
import type { PreparedRerank } from '../prepare/prepared.js'
import type { Route, RouteAnswer, RouteRequest, ServerContext } from '../route.js'
import { answerHead, jsonAnswer, prepare, run } from './work.js'

/** Asks for SGLang's answer, a bare list, in a server that gives vLLM's. */
const sglangMediaType = 'application/vnd.sglang+json'

export const rerank: Route = {
  methods: ['POST', 'PUT'],
  paths: ['/v1/rerank', '/rerank', '/v2/rerank'],
  name: 'rerank',
  summary: 'Documents by their relevance to a query, best first.',
  works: true,
  flatErrors: wantsSglang,
  describe: rerankSchema,
  async handle(request, context) {
    const name = wantsSglang(request, context) ? 'sglangRerank' : 'rerank'
    return answerRerank(await prepare(name, request, context), request, context)
  },
}

export async function answerRerank(
  prepared: PreparedRerank,
  request: RouteRequest,
  context: ServerContext,
): Promise<RouteAnswer> {
  const [scores] = await run(prepared, request, context)
  if (scores === undefined) throw new TypeError('a ranking is one task')
  return jsonAnswer(renderRerank(answerHead(request, context), { ...prepared.shape, echo: prepared.texts }, scores))
}

function wantsSglang(
  { headers }: Pick<RouteRequest, 'headers'>,
  { apiStyle }: Pick<ServerContext, 'apiStyle'>,
): boolean {
  return apiStyle === 'sglang' || (headers.accept ?? '').includes(sglangMediaType)
}
