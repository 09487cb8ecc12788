// Lines of `qvl embed`: a string, content parts, or an object with text, images, video or a conversation; one vector out.

import { parseContent } from '../api/content.js'
import { Fields, isList } from '../api/fields.js'
import { renderVector } from '../api/floats.js'
import { parseEmbeddingOptions, parseEmbedRequests, parseEncoding } from '../api/openai-embeddings.js'
import type { EmbedRequest } from '../engine/requests.js'
import type { Content } from '../prompts/content.js'
import {
  type Asked,
  asEmbedding,
  checkId,
  type LineContext,
  type LineForm,
  lineFailure,
  lineName,
  lineSettings,
  lineUsage,
} from './item.js'
import { withSampling } from './sampling.js'

export function embedLine(value: unknown, index: number, context: LineContext): LineForm {
  const name = lineName(value, index)
  return {
    failure: (error) => lineFailure(name, error),
    ask(): Asked {
      const fields = new Fields(typeof value === 'string' || isList(value) ? { input: value } : value, '')
      checkId(fields)
      const encoding = parseEncoding(fields, context.defaults)
      return {
        requests: [{ kind: 'embed', request: withSampling(parseRequest(fields, context), fields) }],
        render([answer]) {
          const { vector, usage } = asEmbedding(answer)
          return { ...name, embedding: renderVector(vector, encoding), usage: lineUsage(usage) }
        },
      }
    },
  }
}

function parseRequest(fields: Fields, context: LineContext): EmbedRequest {
  const settings = lineSettings(context)
  const options = parseEmbeddingOptions(fields, settings)
  if (!fields.has('messages')) return { content: parseItem(fields), ...options }
  const [request, ...more] = parseEmbedRequests(fields, options, settings)
  if (request === undefined || more.length > 0) throw fields.invalid('messages', 'one conversation in each line')
  return request
}

/** The item is the line itself, or stands in `input`. */
function parseItem(fields: Fields): Content {
  const input = fields.get('input')
  const own = itemKeys.find((key) => fields.has(key))
  if (input === undefined) {
    if (own === undefined) throw fields.invalid('text', 'the text to embed, or an `image` or a `video`')
    return parseContent(fields.object, '')
  }
  if (own !== undefined) throw fields.invalid('input', `\`${own}\` or \`input\`, not both`)
  return parseContent(input, fields.pathOf('input'))
}

const itemKeys = ['text', 'image', 'video', 'content'] as const
