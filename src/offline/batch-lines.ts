// Lines of OpenAI and vLLM batch files: a request with its URL in, a response with its status out.

import { type AnswerHead, derivedId } from '../api/answer.js'
import { errorMessage, renderError } from '../api/errors.js'
import { Fields, isObject } from '../api/fields.js'
import { parseEmbeddings, renderEmbeddings } from '../api/openai-embeddings.js'
import { parseRerank, renderRerank } from '../api/rerank.js'
import { parseScore, renderScores } from '../api/score.js'
import { QvlError } from '../errors.js'
import {
  type Answer,
  type Asked,
  asEmbedding,
  asScores,
  type LineContext,
  type LineForm,
  lineSettings,
} from './item.js'

type Endpoint = (fields: Fields, head: AnswerHead, context: LineContext) => Asked

const endpoints: ReadonlyMap<string, Endpoint> = new Map([
  ['/v1/embeddings', embeddings],
  ['/v1/score', score],
  ['/score', score],
  ['/v1/rerank', rerank],
  ['/v2/rerank', rerank],
  ['/rerank', rerank],
])

/** Batch files are told by a field that no line of ours has. */
export const isBatchLine = (value: unknown): boolean =>
  isObject(value) &&
  (Object.hasOwn(value, 'custom_id') || (Object.hasOwn(value, 'url') && Object.hasOwn(value, 'body')))

export function batchLine(value: unknown, index: number, context: LineContext): LineForm {
  const fields = new Fields(value, '')
  const customId = fields.get('custom_id')
  // Ids and times come from the line alone, so that a resumed run writes the same bytes as an uncut one.
  const id = derivedId(`${typeof customId === 'string' ? customId : ''}\n${index}`)
  const head = { id, created: 0, model: context.engine.model.id }
  const line = (statusCode: number, body: object | null, error: object | string | null): object => ({
    id: `vllm-${id}`,
    custom_id: typeof customId === 'string' ? customId : null,
    response: { status_code: statusCode, request_id: `vllm-batch-${id}`, body },
    error,
  })
  return {
    // vLLM writes a wrong URL as a plain string, and every other error as an object.
    failure: (error) => line(error.status, null, isUrlError(error) ? errorMessage(error) : renderError(error)),
    ask(): Asked {
      if (context.format === 'npy') throw notForNpy()
      if (typeof customId !== 'string') throw fields.invalid('custom_id', 'a string')
      fields.oneOf('method', ['POST'])
      const { requests, render } = endpointOf(fields, context)(fields, head, context)
      return { requests, render: (answers: readonly Answer[]) => line(200, render(answers), null) }
    },
  }
}

function endpointOf(fields: Fields, context: LineContext): Endpoint {
  const url = fields.string('url')
  const endpoint = url === undefined ? undefined : endpoints.get(url)
  if (endpoint === undefined) {
    const supported = [...endpoints.keys()].join(', ')
    throw new QvlError('REQUEST_INVALID', {
      what: `URL ${JSON.stringify(url ?? null)} was used. Supported endpoints: ${supported}`,
      param: 'url',
    })
  }
  if (endpoint === embeddings && context.engine.model.kind === 'score') {
    throw new QvlError('REQUEST_INVALID', { what: `Model does not support endpoint: ${url}`, param: 'url' })
  }
  return endpoint
}

function embeddings(fields: Fields, head: AnswerHead, context: LineContext): Asked {
  const body = parseEmbeddings(fields.get('body'), 'body', lineSettings(context))
  return {
    requests: body.requests.map((request) => ({ kind: 'embed', request })),
    render: (answers) => renderEmbeddings(head, body.encodingFormat, answers.map(asEmbedding)),
  }
}

function score(fields: Fields, head: AnswerHead, context: LineContext): Asked {
  const requests = parseScore(fields.get('body'), 'body', lineSettings(context))
  return {
    requests: requests.map((request) => ({ kind: 'score', request })),
    render: (answers) => renderScores(head, answers.map(asScores)),
  }
}

function rerank(fields: Fields, head: AnswerHead, context: LineContext): Asked {
  const body = parseRerank(fields.get('body'), 'body', lineSettings(context))
  return {
    requests: [{ kind: 'score', request: body.request }],
    render: ([answer]) => renderRerank(head, body, asScores(answer)),
  }
}

const isUrlError = (error: QvlError): boolean => error.details.param === 'url'

function notForNpy(): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: 'A batch line cannot become a row of an array.',
    why: 'It may ask for several vectors, and for scores.',
    do: 'Use --format jsonl.',
  })
}
