// What came back: scores as bars, or vectors with their similarities; and the prompts that went into the model.

import type { Prompt, Ranking, Vectors } from './answers.js'
import { thumbnail } from './card-box.js'
import { type Child, type Element, element } from './dom.js'
import type { Card } from './draft.js'
import { collapsedRuns, scoreText, similarities } from './numbers.js'

export interface ShownResult {
  /** The cards that were sent, in the order of the request. */
  cards: readonly Card[]
  /** One for each; empty until they are there. */
  prompts: readonly Prompt[]
}

/** How many numbers of a vector are shown. */
const maxNumbers = 8
const maxTitle = 120

export function rankingView({ results }: Ranking, { cards, prompts }: ShownResult): Element {
  // Logits and some cosines leave the range from 0 to 1; the bar stays within it.
  const rows = results.map(({ index, score }) => {
    const bar = element('span', { class: 'bar', 'aria-hidden': 'true' })
    bar.style.setProperty('--share', String(Math.min(1, Math.max(0, score))))
    return element(
      'li',
      { class: 'result' },
      element(
        'div',
        { class: 'result-head' },
        ...title(cards[index], `Document ${index + 1}`),
        element('strong', { class: 'score' }, scoreText(score)),
      ),
      bar,
      ...promptView(prompts[index]),
    )
  })
  return element('ol', { class: 'results' }, ...rows)
}

export function vectorsView({ vectors }: Vectors, { cards, prompts }: ShownResult): Element {
  const rows = vectors.map((vector, index) => {
    const first = vector.slice(0, maxNumbers).map((value) => value.toFixed(4))
    const rest = vector.length > maxNumbers ? ' …' : ''
    return element(
      'li',
      { class: 'result' },
      element(
        'div',
        { class: 'result-head' },
        ...title(cards[index], `Input ${index + 1}`),
        element('span', { class: 'soft' }, `${vector.length} dimensions`),
      ),
      element('code', { class: 'vector' }, `[${first.join(', ')}${rest}]`),
      ...promptView(prompts[index]),
    )
  })
  return element('div', {}, matrixView(similarities(vectors), cards), element('ol', { class: 'results' }, ...rows))
}

function matrixView(matrix: readonly (readonly number[])[], cards: readonly Card[]): Element {
  const name = (index: number): string => cards[index]?.text || `Input ${index + 1}`
  const header = (scope: string, index: number): Element =>
    element('th', { scope, title: name(index), 'aria-label': `${index + 1}: ${name(index)}` }, String(index + 1))
  const cell = (value: number): Element => {
    const made = element('td', {}, value.toFixed(3))
    made.style.setProperty('--share', String(Math.min(1, Math.max(0, value))))
    return made
  }
  const head = element('tr', {}, element('td'), ...matrix.map((_, index) => header('col', index)))
  const body = matrix.map((row, index) => element('tr', {}, header('row', index), ...row.map(cell)))
  const caption = element('caption', {}, 'Cosine similarity of the inputs')
  const table = element(
    'table',
    { class: 'matrix' },
    caption,
    element('thead', {}, head),
    element('tbody', {}, ...body),
  )
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Similarity matrix' }, table)
}

function title(card: Card | undefined, name: string): Child[] {
  const text = card?.text ?? ''
  const shown = text.length > maxTitle ? `${text.slice(0, maxTitle)}…` : text
  return [
    element('span', { class: 'soft number' }, name),
    ...(card?.media ?? []).map((media) => thumbnail(media)),
    element('span', { class: 'text' }, shown),
  ]
}

function promptView(prompt: Prompt | undefined): Element[] {
  if (prompt === undefined) return []
  const summary = element('summary', {}, `Prompt · ${prompt.tokens.toLocaleString('en')} tokens`)
  const text = element(
    'pre',
    { tabindex: '0', 'aria-label': 'The prompt as the model reads it' },
    collapsedRuns(prompt.prompt),
  )
  return [element('details', {}, summary, text)]
}
