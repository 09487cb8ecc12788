// What the visitor has typed and attached, and the request that it makes.

export interface Media {
  kind: 'image' | 'video'
  name: string
  /** A data: URL. */
  url: string
}

export interface Card {
  text: string
  media: readonly Media[]
}

export interface Draft {
  query: Card
  instruction: string
  /** Documents of a reranker, inputs of an embedder. */
  items: readonly Card[]
}

export interface PageRequest {
  path: string
  body: Readonly<Record<string, unknown>>
}

export const emptyCard = (): Card => ({ text: '', media: [] })

export const isEmpty = ({ text, media }: Card): boolean => text.trim() === '' && media.length === 0

/** Empty cards are left out; `sent` says which card each item of the answer is about. */
export function requestOf(kind: 'embed' | 'score', draft: Draft, model: string): PageRequest & { sent: number[] } {
  const kept = [...draft.items.entries()].filter(([, card]) => !isEmpty(card))
  const cards = kept.map(([, card]) => card)
  const sent = kept.map(([index]) => index)
  return kind === 'score'
    ? { path: 'v1/rerank', body: rerankBody(draft, cards, model), sent }
    : { path: 'v1/embeddings', body: embedBody(draft, cards, model), sent }
}

function rerankBody({ query, instruction }: Draft, cards: readonly Card[], model: string): PageRequest['body'] {
  return {
    model,
    query: contentOf(query),
    documents: cards.map(contentOf),
    ...(instruction.trim() !== '' && { instruction: instruction.trim() }),
    return_documents: false,
  }
}

/** An instruction travels as the system text of a conversation. */
function embedBody({ instruction }: Draft, cards: readonly Card[], model: string): PageRequest['body'] {
  if (instruction.trim() === '') return { model, input: cards.map(contentOf) }
  const system = { role: 'system', content: instruction.trim() }
  return { model, messages: cards.map((card) => [system, { role: 'user', content: partsOf(card) }]) }
}

const contentOf = (card: Card): unknown => (card.media.length === 0 ? card.text : { content: partsOf(card) })

function partsOf({ text, media }: Card): unknown[] {
  const visuals = media.map(({ kind, url }) =>
    kind === 'image' ? { type: 'image_url', image_url: { url } } : { type: 'video_url', video_url: { url } },
  )
  return text === '' ? visuals : [...visuals, { type: 'text', text }]
}

/** What is kept over a reload: text only, because media would not fit. */
export function draftText({ query, instruction, items }: Draft): string {
  return JSON.stringify({ query: query.text, instruction, items: items.map(({ text }) => text) })
}

/** Undefined for a text that is none of ours. */
export function draftFrom(kept: string | null): Draft | undefined {
  const value: unknown = kept === null ? undefined : JSON.parse(kept)
  if (typeof value !== 'object' || value === null) return undefined
  if (!('query' in value && 'instruction' in value && 'items' in value)) return undefined
  const { query, instruction, items } = value
  if (typeof query !== 'string' || typeof instruction !== 'string' || !Array.isArray(items)) return undefined
  const card = (text: unknown): Card => ({ text: typeof text === 'string' ? text : '', media: [] })
  return { query: card(query), instruction, items: items.map(card) }
}

const texts = (...list: readonly string[]): Card[] => list.map((text) => ({ text, media: [] }))

export function exampleDraft(kind: 'embed' | 'score'): Draft {
  if (kind === 'embed') {
    return {
      query: emptyCard(),
      instruction: '',
      items: texts(
        'A woman plays with her dog on a beach at sunset.',
        'A dog and its owner enjoy the evening by the sea.',
        'The stock market closed higher on Friday.',
      ),
    }
  }
  return {
    query: { text: 'How do plants make their food?', media: [] },
    instruction: '',
    items: texts(
      'Volcanoes form where plates of the crust meet.',
      'In photosynthesis, leaves turn light, water and carbon dioxide into sugar.',
      'Roots take up water and minerals from the soil.',
    ),
  }
}
