// The contents of a draft: all of them in one form, and the draft with others in their place.

import { contentsOfEmbed, contentsOfScore } from '../../engine/request-contents.js'
import type { ClassifyRequest, EmbedRequest, NamedContent, ScoreRequest, TokenIds } from '../../engine/requests.js'
import type { Content } from '../../prompts/content.js'
import { mediaParts } from '../../prompts/visuals.js'
import type { Draft } from './draft.js'

export interface DraftSide extends NamedContent {
  /** How many prompts it stands in: that of a query, as many as there are documents. */
  numPrompts: number
}

/** Token ids are copied, which costs nothing in comparison; they are no content. */
export function sidesOf(draft: Draft): DraftSide[] {
  switch (draft.kind) {
    case 'embeddings':
    case 'cohereEmbed':
    case 'teiEmbed':
      return draft.requests.flatMap(sidesOfEmbed)
    case 'rerank':
    case 'score':
      return draft.requests.flatMap(sidesOfScore)
    case 'classify':
      return draft.requests.flatMap(sidesOfEmbed)
    case 'pooling':
      return draft.requests.flatMap(sidesOfEmbed)
    case 'tokenize':
    case 'detokenize':
      return []
    default:
      return draft satisfies never
  }
}

/** The draft with every content as `change` gives it back. `param` is what errors call it. */
export function withContents(draft: Draft, change: (content: Content, param: string | undefined) => Content): Draft {
  const changeIds = (ids: TokenIds, param: string | undefined): TokenIds =>
    ids.media === undefined ? ids : { ...ids, media: mediaParts(change(ids.media, param)) }
  const changeEmbed = (request: EmbedRequest): EmbedRequest => {
    const { content, param } = request
    const isIds = typeof content === 'object' && 'tokens' in content
    return { ...request, content: isIds ? changeIds(content, param) : change(content, param) }
  }
  const changeClassify = (request: ClassifyRequest): ClassifyRequest => {
    const { content, param } = request
    return typeof content === 'string' ? request : { ...request, content: changeIds(content, param) }
  }
  const changeScore = (request: ScoreRequest): ScoreRequest => {
    const [query, ...documents] = contentsOfScore(request).map(({ content, param }) => change(content, param))
    return { ...request, query: query!, documents }
  }
  switch (draft.kind) {
    case 'embeddings':
    case 'cohereEmbed':
    case 'teiEmbed':
      return { ...draft, requests: draft.requests.map(changeEmbed) }
    case 'rerank':
    case 'score':
      return { ...draft, requests: draft.requests.map(changeScore) }
    case 'pooling':
      return draft.task === 'classify'
        ? { ...draft, requests: draft.requests.map(changeClassify) }
        : { ...draft, requests: draft.requests.map(changeEmbed) }
    case 'classify':
      return { ...draft, requests: draft.requests.map(changeClassify) }
    case 'tokenize':
    case 'detokenize':
      return draft
    default:
      return draft satisfies never
  }
}

const sidesOfEmbed = (request: Pick<EmbedRequest, 'content' | 'param' | 'visualSettings'>): DraftSide[] =>
  contentsOfEmbed(request).map((side) => ({ ...side, numPrompts: 1 }))

const sidesOfScore = (request: ScoreRequest): DraftSide[] =>
  contentsOfScore(request).map((side, index) => ({ ...side, numPrompts: index === 0 ? request.documents.length : 1 }))
