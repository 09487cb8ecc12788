// Lines of `qvl embed`: a string or `{"id"?, "text"|"input", "instruction"?, "prompt_name"?, "dimensions"?}` in, one vector out.

import { parseContent } from '../api/content.js'
import { Fields } from '../api/fields.js'
import { renderVector } from '../api/floats.js'
import { parseEmbeddingOptions, parseEncoding } from '../api/openai-embeddings.js'
import type { Content } from '../prompts/content.js'
import {
  asEmbedding,
  checkId,
  type LineContext,
  type LineForm,
  lineFailure,
  lineName,
  lineUsage,
  type Work,
} from './item.js'

export function embedLine(value: unknown, index: number, context: LineContext): LineForm {
  const name = lineName(value, index)
  return {
    failure: (error) => lineFailure(name, error),
    prepare(): Work {
      const fields = new Fields(typeof value === 'string' ? { text: value } : value, '')
      checkId(fields)
      const { promptNames } = context.engine.model
      const options = parseEmbeddingOptions(fields, { ...context.defaults, promptNames })
      const request = { content: parseText(fields), ...options }
      const encoding = parseEncoding(fields, context.defaults)
      return {
        tasks: [context.engine.preparer.embed(request, { texts: context.explain })],
        render([answer]) {
          const { vector, usage } = asEmbedding(answer)
          return { ...name, embedding: renderVector(vector, encoding), usage: lineUsage(usage) }
        },
      }
    },
  }
}

/** `text` is a string; `input` may also be content parts. */
function parseText(fields: Fields): Content {
  const text = fields.string('text')
  const input = fields.get('input')
  if (text !== undefined && input !== undefined) throw fields.invalid('input', '`text` or `input`, not both')
  if (text !== undefined) return text
  if (input === undefined) throw fields.invalid('text', 'the text to embed')
  return parseContent(input, fields.pathOf('input'))
}
