// From a parsed request to its tasks, for each kind of request.

import type { ClassifyBody } from '../../api/classify.js'
import { type CohereEmbedBody, checkMaxTokens } from '../../api/cohere-embed.js'
import type { EmbeddingsBody } from '../../api/openai-embeddings.js'
import type { PoolingBody } from '../../api/pooling.js'
import type { RerankBody } from '../../api/rerank.js'
import type { TeiEmbedBody } from '../../api/tei-embed.js'
import { type DetokenizeBody, renderDetokenize, renderTokenize, type TokenizeBody } from '../../api/tokenize.js'
import type { Preparer, ScoreRequest } from '../../engine/requests.js'
import { pairCharacters, promptCharacters } from './characters.js'
import { JsonTexts } from './json-texts.js'
import type { Plan, PlanContext } from './plan.js'
import type {
  PreparedAnswer,
  PreparedClassify,
  PreparedCohereEmbed,
  PreparedEmbeddings,
  PreparedPooling,
  PreparedRerank,
  PreparedScore,
  PreparedTeiEmbed,
} from './prepared.js'

export function embeddings(body: EmbeddingsBody, { preparer, priority }: PlanContext): Plan<PreparedEmbeddings> {
  const { requests, ...shape } = body
  return {
    numCharacters: promptCharacters(requests),
    run: () => ({
      kind: 'embeddings',
      tasks: requests.map((request) => preparer.embed(request)),
      shape,
      priority,
    }),
  }
}

export function cohereEmbed(body: CohereEmbedBody, { preparer, priority }: PlanContext): Plan<PreparedCohereEmbed> {
  const { requests, texts, ...shape } = body
  return {
    numCharacters: promptCharacters(requests),
    run() {
      const tasks = requests.map((request) => preparer.embed(request))
      const promptTokens = tasks.map((task) => task.promptTokens)
      checkMaxTokens(body, promptTokens)
      return { kind: 'cohereEmbed', tasks, shape, texts: texts && JsonTexts.of([...texts]), priority }
    },
  }
}

export function teiEmbed({ requests }: TeiEmbedBody, { preparer, priority }: PlanContext): Plan<PreparedTeiEmbed> {
  return {
    numCharacters: promptCharacters(requests),
    run: () => ({
      kind: 'teiEmbed',
      tasks: requests.map((request) => preparer.embed(request)),
      priority,
    }),
  }
}

export function rerank(body: RerankBody, { preparer, priority }: PlanContext): Plan<PreparedRerank> {
  const { request, echo, ...shape } = body
  return {
    numCharacters: pairCharacters([request]),
    run: () => ({
      kind: 'rerank',
      tasks: [preparer.score(request)],
      shape,
      texts: echo && JsonTexts.of(request.documents.map((_, index) => echo.at(index) ?? 'null')),
      priority,
    }),
  }
}

export function score(requests: readonly ScoreRequest[], { preparer, priority }: PlanContext): Plan<PreparedScore> {
  return {
    numCharacters: pairCharacters(requests),
    run: () => ({
      kind: 'score',
      tasks: requests.map((request) => preparer.score(request)),
      priority,
    }),
  }
}

export function classify({ requests }: ClassifyBody, { preparer, priority }: PlanContext): Plan<PreparedClassify> {
  return {
    numCharacters: promptCharacters(requests),
    run: () => ({
      kind: 'classify',
      tasks: requests.map((request) => preparer.classify(request)),
      priority,
    }),
  }
}

export function pooling(body: PoolingBody, { preparer, priority }: PlanContext): Plan<PreparedPooling> {
  const { encodingFormat, requests } = body
  return {
    numCharacters: promptCharacters(requests),
    run: () => ({
      kind: 'pooling',
      tasks: poolingTasks(body, preparer),
      shape: { encodingFormat },
      priority,
    }),
  }
}

export function tokenize(body: TokenizeBody, { preparer, priority }: PlanContext): Plan<PreparedAnswer> {
  const { text, addSpecialTokens, returnTokenStrs } = body
  return {
    numCharacters: text.length,
    run() {
      const { ids, tokens } = preparer.tokenize(text, { addSpecialTokens })
      const pieces = renderTokenize(preparer.model.maxModelLen, ids, returnTokenStrs ? tokens : undefined)
      return answer(pieces, priority)
    },
  }
}

export function detokenize({ tokens }: DetokenizeBody, { preparer, priority }: PlanContext): Plan<PreparedAnswer> {
  return {
    numCharacters: tokens.length,
    run: () => answer(renderDetokenize(preparer.detokenize(tokens)), priority),
  }
}

function poolingTasks(body: PoolingBody, preparer: Preparer): PreparedPooling['tasks'] {
  switch (body.task) {
    case 'embed':
      return body.requests.map((request) => preparer.embed(request))
    case 'token_embed':
      return body.requests.map((request) => preparer.tokenEmbed(request))
    case 'classify':
      return body.requests.map((request) => preparer.classify(request))
    default:
      return body satisfies never
  }
}

function answer(pieces: Iterable<string>, priority: number): PreparedAnswer {
  return { kind: 'answer', tasks: [], texts: JsonTexts.of([...pieces]), priority }
}
