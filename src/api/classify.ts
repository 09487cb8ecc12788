// POST /classify: finished prompts in, the probabilities of the model's labels out.

import type { Classification, ClassifyRequest } from '../engine/requests.js'
import { type AnswerHead, renderList } from './answer.js'
import { renderConversation } from './conversation.js'
import { Fields, invalidField } from './fields.js'
import { checkFinite } from './finite.js'
import { floatsText } from './float-text.js'
import { type JsonPieces, listed } from './json-pieces.js'
import { type PromptInput, parsePromptInputs } from './prompt-inputs.js'
import { parseRequestOptions, refuseDimensions, refuseRemoved } from './request-options.js'
import type { RequestSettings } from './request-settings.js'

export interface ClassifyBody {
  /** One for each entry of the answer. */
  requests: readonly ClassifyRequest[]
}

/** Throws REQUEST_SCHEMA, REQUEST_INVALID, REQUEST_TOO_LARGE, and what rendering a chat throws. */
export function parseClassify(body: unknown, path: string, settings: RequestSettings = {}): ClassifyBody {
  const fields = new Fields(body, path)
  refuseRemoved(fields)
  refuseDimensions(fields)
  return { requests: parseClassifyRequests(fields, settings) }
}

/** `input` or `messages` as one request for each prompt. */
export function parseClassifyRequests(fields: Fields, settings: RequestSettings): ClassifyRequest[] {
  const options = parseRequestOptions(fields, settings)
  const addSpecialTokens = fields.boolean('add_special_tokens')
  return parsePromptInputs(fields, settings).map((input) => ({
    ...options,
    addSpecialTokens,
    param: input.path,
    ...toPrompt(input, settings),
  }))
}

/** @param labels of the model's head, in order. Throws RESULT_NOT_FINITE. */
export function renderClassify(
  head: AnswerHead,
  labels: readonly (string | null)[],
  results: readonly Pick<Classification, 'probs' | 'usage'>[],
): JsonPieces {
  for (const { probs } of results) checkFinite(probs)
  const data = () =>
    listed(results, function* ({ probs }, index) {
      const label = JSON.stringify(labels[largest(probs)] ?? null)
      yield `{"index":${index},"label":${label},"probs":[${floatsText(probs)}],"num_classes":${probs.length}}`
    })
  return renderList('classify', head, data, results)
}

function toPrompt(input: PromptInput, settings: RequestSettings): ClassifyRequest {
  switch (input.kind) {
    case 'tokens': {
      const { tokens, media, secondFrom } = input
      return { content: { tokens, media, secondFrom } }
    }
    case 'content':
      if (typeof input.content === 'string') return { content: input.content }
      throw invalidField(input.path, input.content, 'the finished prompt as a string, or token ids')
    case 'conversation':
      return { content: renderConversation(input, settings), addSpecialTokens: input.chat.addSpecialTokens }
    default:
      return input satisfies never
  }
}

const largest = (probs: Float32Array): number => probs.indexOf(probs.reduce((max, each) => Math.max(max, each)))
