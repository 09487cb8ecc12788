// The contents of requests, with the names that errors call them by.

import { mediaParts } from '../prompts/visuals.js'
import type { NamedContent } from './images.js'
import type { EmbedRequest, ScoreRequest } from './requests.js'

export function contentsOfEmbed({ content }: Pick<EmbedRequest, 'content'>, param?: string): NamedContent[] {
  return typeof content === 'object' && 'tokens' in content ? [] : [{ content, param }]
}

export function contentsOfScore({ query, documents }: Pick<ScoreRequest, 'query' | 'documents'>): NamedContent[] {
  return [
    { content: query, param: 'query' },
    ...documents.map((content, index) => ({ content, param: `documents[${index}]` })),
  ]
}

export const hasMedia = (contents: readonly NamedContent[]): boolean =>
  contents.some(({ content }) => mediaParts(content).length > 0)
