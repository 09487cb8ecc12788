// Scores documents against a query.

import { contentsOfScore } from '../engine/request-contents.js'
import type { Engine, ScoreRequest } from '../engine/requests.js'
import type { Scores } from './answers.js'
import { Contents, checkedList } from './contents.js'
import type { Input } from './input.js'
import type { ScoreOptions } from './options.js'
import { commonFields } from './request-options.js'

interface Pairs {
  query: Input
  documents: readonly Input[]
}

export async function score(engine: Engine, { query, documents }: Pairs, options: ScoreOptions): Promise<Scores> {
  const { signal, maxTokensPerQuery, maxTokensPerDoc, useActivation } = options
  signal?.throwIfAborted()
  const contents = new Contents()
  const request: ScoreRequest = {
    query: contents.of(query, 'query'),
    documents: Array.from(checkedList(documents, 'documents'), (each, index) =>
      contents.of(each, `documents[${index}]`),
    ),
    ...commonFields(options),
    ...{ maxTokensPerQuery, maxTokensPerDoc, useActivation },
  }
  const { facts, byKey } = await engine.loadVisuals(contentsOfScore(request), signal, contents.attachments)
  const task = engine.preparer.score({ ...request, visuals: facts })
  const [answer] = await Promise.all(engine.submit([task], { signal, visuals: byKey }))
  const { scores, usage } = answer!
  return { scores: [...scores], usage }
}
