// From the bytes of a body to a draft, for each route.

import { parseClassify } from '../../api/classify.js'
import { type CohereEmbedBody, parseCohereEmbed } from '../../api/cohere-embed.js'
import { parseEnvelope } from '../../api/envelope.js'
import { parseInvocation } from '../../api/invocations.js'
import { type EmbeddingsBody, parseEmbeddings } from '../../api/openai-embeddings.js'
import { type PoolingBody, parsePooling } from '../../api/pooling.js'
import type { RequestSettings } from '../../api/request-settings.js'
import { parseRerank, type RerankBody } from '../../api/rerank.js'
import { parseScore } from '../../api/score.js'
import { parseTeiEmbed } from '../../api/tei-embed.js'
import { parseDetokenize, parseTokenize } from '../../api/tokenize.js'
import type { Preparer } from '../../engine/requests.js'
import { QvlError } from '../../errors.js'
import { readJson } from './body.js'
import type { Draft, DraftBody } from './draft.js'
import { JsonTexts } from './json-texts.js'
import type { PreparedRoute } from './prepared.js'
import { type PrepareSettings, requestSettings } from './settings.js'

/** Throws REQUEST_*, MODEL_NOT_SERVED, NOT_IMPLEMENTED, and what rendering a chat throws. */
export function readDraft(
  route: PreparedRoute,
  body: Uint8Array,
  preparer: Preparer,
  settings: PrepareSettings,
): Draft {
  const json = readJson(body)
  const { model, priority, cacheSalt } = parseEnvelope(json, 'body')
  checkModel(model, route, settings)
  return { ...readers[route](json, requestSettings(settings, preparer)), priority, cacheSalt }
}

type Reader = (json: unknown, settings: RequestSettings) => DraftBody

const readers: { readonly [Route in PreparedRoute]: Reader } = {
  embeddings: (json, settings) => embeddings(parseEmbeddings(json, 'body', settings)),
  cohereEmbed: (json, settings) => cohereEmbed(parseCohereEmbed(json, 'body', settings)),
  teiEmbed: (json, settings) => ({ kind: 'teiEmbed', ...parseTeiEmbed(json, 'body', settings) }),
  rerank: (json, settings) => rerank(parseRerank(json, 'body', settings)),
  sglangRerank: (json, settings) => rerank(parseRerank(json, 'body', { ...settings, style: 'sglang' })),
  score: (json, settings) => ({ kind: 'score', requests: parseScore(json, 'body', settings) }),
  classify: (json, settings) => ({ kind: 'classify', ...parseClassify(json, 'body', settings) }),
  pooling: (json, settings) => pooling(parsePooling(json, 'body', settings)),
  tokenize: (json, settings) => ({ kind: 'tokenize', body: parseTokenize(json, 'body', settings) }),
  detokenize: (json) => ({ kind: 'detokenize', body: parseDetokenize(json, 'body') }),
  invocations: invocation,
}

const embeddings = ({ requests, ...shape }: EmbeddingsBody): DraftBody => ({ kind: 'embeddings', requests, shape })

function cohereEmbed({ requests, texts, ...shape }: CohereEmbedBody): DraftBody {
  return { kind: 'cohereEmbed', requests, shape, texts: texts && JsonTexts.of([...texts]) }
}

function rerank({ request, echo, ...shape }: RerankBody): DraftBody {
  const texts = echo && JsonTexts.of(request.documents.map((_, index) => echo.at(index) ?? 'null'))
  return { kind: 'rerank', requests: [request], shape, texts }
}

function pooling({ encodingFormat, ...body }: PoolingBody): DraftBody {
  return { kind: 'pooling', ...body, shape: { encodingFormat } }
}

function invocation(json: unknown, settings: RequestSettings): DraftBody {
  const { endpoint, body } = parseInvocation(json, 'body', settings)
  switch (endpoint) {
    case 'embeddings':
      return embeddings(body)
    case 'classify':
      return { kind: endpoint, ...body }
    case 'rerank':
      return rerank(body)
    case 'score':
      return { kind: endpoint, requests: body }
    case 'pooling':
      return pooling(body)
    default:
      return endpoint satisfies never
  }
}

/** Longer names are cut in messages, which never echo a body. */
const maxQuoted = 100

/** vLLM's text, which clients look for; it names the field only where text is tokenised. */
function checkModel(model: string | undefined, route: PreparedRoute, { servedModelNames }: PrepareSettings): void {
  // SGLang's rerank request has no such field, and its clients send what they like.
  if (model === undefined || servedModelNames.includes(model) || route === 'sglangRerank') return
  throw new QvlError('MODEL_NOT_SERVED', {
    what: `The model \`${model.slice(0, maxQuoted)}\` does not exist.`,
    do: `This server has ${servedModelNames.map((name) => `\`${name}\``).join(', ')}.`,
    ...((route === 'tokenize' || route === 'detokenize') && { param: 'model' }),
  })
}
