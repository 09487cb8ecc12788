// POST /explain: the prompts that a request would become. Nothing is computed.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { explainSchema } from '../../api/schema/explain-schema.js'
import type { Preparer } from '../../engine/requests.js'
import type { Prepared } from '../prepare/prepared.js'
import type { Route } from '../route.js'
import { prepare } from './work.js'

export const explain: Route = {
  methods: ['POST'],
  paths: ['/explain'],
  name: 'explain',
  summary: 'The prompts that a request would become, as the model reads them, with their numbers of tokens.',
  works: true,
  describe: explainSchema,
  async handle(request, context) {
    const prepared = await prepare('invocations', request, context)
    const body = pieces(prepared, context.preparation.preparer)
    return { status: 200, headers: { 'content-type': 'application/json' }, body }
  },
}

/** From the token ids, so that cuts, instructions and the places of images are seen as they are. */
async function* pieces({ kind, tasks }: Prepared, preparer: Preparer): AsyncGenerator<string> {
  const sequences = tasks.flatMap((task) => task.sequences)
  yield `{"kind":${JSON.stringify(kind)},"prompts":[`
  for (const [index, { ids }] of sequences.entries()) {
    const prompt = preparer.detokenize([...ids])
    yield `${index === 0 ? '' : ','}${JSON.stringify({ index, prompt, tokens: ids.length })}`
    await nextTurn()
  }
  yield ']}'
}
