// The contents of requests, with the names that errors call them by.

import { mediaParts } from '../prompts/visuals.js'
import type { EmbedRequest, NamedContent, ScoreRequest } from './requests.js'

type OfPrompt = Pick<EmbedRequest, 'content' | 'param' | 'visualSettings'>
type OfScore = Pick<ScoreRequest, 'query' | 'documents' | 'params' | 'visualSettings'>

/** Of a request for one prompt. Token ids are no content, but the images among them are. */
export function contentsOfEmbed({ content, param, visualSettings: settings }: OfPrompt): NamedContent[] {
  if (typeof content === 'string' || !('tokens' in content)) return [{ content, param, settings }]
  return content.media === undefined ? [] : [{ content: content.media, param, settings }]
}

export function contentsOfScore(request: OfScore): NamedContent[] {
  const { query, documents, visualSettings: settings } = request
  return [
    { content: query, param: queryParam(request), settings },
    ...documents.map((content, index) => ({ content, param: documentParam(request, index), settings })),
  ]
}

/** What errors call the query, and each document. */
export const queryParam = ({ params }: Pick<ScoreRequest, 'params'>): string => params?.query ?? 'query'
export const documentParam = ({ params }: Pick<ScoreRequest, 'params'>, index: number): string =>
  params?.documents[index] ?? `documents[${index}]`

export const hasMedia = (contents: readonly NamedContent[]): boolean =>
  contents.some(({ content }) => mediaParts(content).length > 0)
