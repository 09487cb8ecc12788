// POST /v1/embeddings: OpenAI's request with vLLM's additions, and its answer.

import type { Embedding, EmbedRequest } from '../engine/requests.js'
import { type AnswerHead, renderList } from './answer.js'
import { officialRecipe, renderConversation } from './conversation.js'
import { Fields } from './fields.js'
import { checkVector, type VectorFormat, vectorText } from './floats.js'
import { parsePurpose } from './input-type.js'
import { type JsonPieces, listed } from './json-pieces.js'
import { type PromptInput, parsePromptInputs } from './prompt-inputs.js'
import { parseInstruction, parseRequestOptions, type RequestOptions, refuseRemoved } from './request-options.js'
import type { RequestSettings } from './request-settings.js'
import { parseEncoding } from './vector-format.js'

export { parseEncoding } from './vector-format.js'

export interface EmbeddingsBody {
  /** One for each vector of the answer. */
  requests: readonly EmbedRequest[]
  encodingFormat: VectorFormat
}

/** What an embedding request says besides its input. */
export interface EmbeddingOptions extends RequestOptions, Pick<EmbedRequest, 'promptName' | 'role'> {
  instruction: string | undefined
  dimensions: number | undefined
}

/** Throws REQUEST_SCHEMA, REQUEST_INVALID and REQUEST_TOO_LARGE naming the field, and what rendering a chat throws. */
export function parseEmbeddings(body: unknown, path: string, settings: RequestSettings = {}): EmbeddingsBody {
  const fields = new Fields(body, path)
  const options = parseEmbeddingOptions(fields, settings)
  const encodingFormat = parseEncoding(fields, settings)
  return { requests: parseEmbedRequests(fields, options, settings), encodingFormat }
}

export function parseEmbeddingOptions(fields: Fields, settings: RequestSettings): EmbeddingOptions {
  refuseRemoved(fields)
  return {
    instruction: parseInstruction(fields, settings),
    ...parsePurpose(fields, 'prompt_name', settings),
    dimensions: fields.integer('dimensions', 1) ?? settings.dimensions,
    ...parseRequestOptions(fields, settings),
  }
}

/** `input` or `messages` as one request for each prompt. */
export function parseEmbedRequests(
  fields: Fields,
  options: EmbeddingOptions,
  settings: RequestSettings,
): EmbedRequest[] {
  const addSpecialTokens = fields.boolean('add_special_tokens')
  return parsePromptInputs(fields, settings).map((input) => ({
    ...options,
    addSpecialTokens,
    param: input.path,
    ...toPrompt(input, settings),
  }))
}

/** JSON formats only; for the others there is `renderVectorBytes`. Throws RESULT_NOT_FINITE. */
export function renderEmbeddings(
  head: AnswerHead,
  format: VectorFormat,
  embeddings: readonly Pick<Embedding, 'vector' | 'usage'>[],
): JsonPieces {
  for (const { vector } of embeddings) checkVector(vector, format)
  const data = () =>
    listed(embeddings, function* ({ vector }, index) {
      yield `{"index":${index},"object":"embedding","embedding":`
      yield* vectorText(vector, format)
      yield '}'
    })
  return renderList('embd', head, data, embeddings)
}

function toPrompt(input: PromptInput, settings: RequestSettings): EmbedRequest {
  switch (input.kind) {
    case 'content':
      return { content: input.content }
    case 'tokens': {
      const { tokens, media, secondFrom } = input
      return { content: { tokens, media, secondFrom } }
    }
    case 'conversation': {
      const recipe = officialRecipe(input.messages, input.chat)
      if (recipe === undefined) {
        const content = renderConversation(input, settings)
        return { content, promptFormat: 'raw', addSpecialTokens: input.chat.addSpecialTokens }
      }
      const { instruction, content } = recipe
      return { content, promptFormat: 'official', ...(instruction !== undefined && { instruction }) }
    }
    default:
      return input satisfies never
  }
}
