// POST /rerank as Text Embeddings Inference takes it: `{query, texts}` where the others have `documents`.

import { echoPlain } from './echo.js'
import { type Fields, invalidField, isList, refusal } from './fields.js'
import { checkItems, checkText, type RequestSettings } from './request-settings.js'
import type { RerankBody } from './rerank.js'
import { itemPaths } from './score-options.js'
import { parseTeiTruncation } from './tei-truncation.js'

/** The two share a path and the name of the query. */
export const isTeiRerank = (fields: Fields): boolean => fields.has('texts') && !fields.has('documents')

/** Throws REQUEST_SCHEMA, REQUEST_INVALID, REQUEST_TOO_LARGE. */
export function parseTeiRerank(fields: Fields, settings: RequestSettings): RerankBody {
  const query = fields.string('query')
  if (query === undefined) throw fields.invalid('query', 'a string')
  checkText(query, fields.pathOf('query'), settings)
  const texts = parseTexts(fields, settings)
  return {
    request: {
      query,
      documents: texts,
      params: { query: fields.pathOf('query'), documents: itemPaths(fields, 'texts') },
      instruction: settings.instruction,
      ...parseTeiTruncation(fields, settings),
      useActivation: !(fields.boolean('raw_scores') ?? false),
    },
    style: 'tei',
    topN: undefined,
    echo: fields.boolean('return_text') === true ? texts.map(echoPlain) : undefined,
  }
}

function parseTexts(fields: Fields, settings: RequestSettings): string[] {
  const path = fields.pathOf('texts')
  const texts = fields.get('texts')
  if (!isList(texts)) throw fields.invalid('texts', 'a list of strings')
  if (texts.length === 0) throw refusal(path, '`texts` cannot be empty')
  checkItems(texts.length, path, settings)
  return texts.map((text, index) => {
    if (typeof text !== 'string') throw invalidField(`${path}[${index}]`, text, 'a string')
    checkText(text, `${path}[${index}]`, settings)
    return text
  })
}
