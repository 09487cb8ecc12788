// POST /embed as Text Embeddings Inference takes it: texts or token ids in, a bare list of vectors out.

import type { Embedding, EmbedRequest } from '../engine/requests.js'
import { Fields } from './fields.js'
import { checkVector, vectorText } from './floats.js'
import { parsePurpose } from './input-type.js'
import { JsonPieces, listed } from './json-pieces.js'
import { parseInputs } from './prompt-inputs.js'
import type { RequestSettings } from './request-settings.js'
import { parseTeiTruncation } from './tei-truncation.js'

export interface TeiEmbedBody {
  /** One for each vector of the answer. */
  requests: readonly EmbedRequest[]
}

/** Throws REQUEST_SCHEMA, REQUEST_INVALID, REQUEST_TOO_LARGE. */
export function parseTeiEmbed(body: unknown, path: string, settings: RequestSettings = {}): TeiEmbedBody {
  const fields = new Fields(body, path)
  const options = {
    instruction: settings.instruction,
    ...parsePurpose(fields, 'prompt_name', settings),
    ...parseTeiTruncation(fields, settings),
    dimensions: fields.integer('dimensions', 1) ?? settings.dimensions,
    useActivation: fields.boolean('normalize') ?? true,
  }
  const requests = parseInputs(fields, 'inputs', settings).map((input): EmbedRequest => {
    const common = { ...options, param: input.path }
    if (input.kind === 'tokens') return { ...common, content: { tokens: input.tokens } }
    if (input.kind === 'content' && typeof input.content === 'string') return { ...common, content: input.content }
    throw fields.invalid('inputs', 'a string, token ids, or a list of either')
  })
  return { requests }
}

/** Throws RESULT_NOT_FINITE. */
export function renderTeiEmbed(embeddings: readonly Pick<Embedding, 'vector'>[]): JsonPieces {
  const format = { encoding: 'float' } as const
  for (const { vector } of embeddings) checkVector(vector, format)
  return new JsonPieces(function* () {
    yield '['
    yield* listed(embeddings, ({ vector }) => vectorText(vector, format))
    yield ']'
  })
}
