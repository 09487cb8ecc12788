// The fields of the page: one for the query, and a list of documents or inputs that can be changed by keyboard.

import { cardBox } from './card-box.js'
import { byId, type Element, element, signButton } from './dom.js'
import { type Card, type Draft, emptyCard } from './draft.js'

export interface CardsOptions {
  kind: 'embed' | 'score'
  /** Whether the model looks at images. */
  visual: boolean
  maxBytes: number
  onChange: () => void
  onError: (message: string) => void
}

export class Cards {
  readonly #options: CardsOptions
  readonly #what: string
  #query = emptyCard()
  #items: Card[] = []

  constructor(options: CardsOptions) {
    this.#options = options
    this.#what = options.kind === 'score' ? 'Document' : 'Input'
    byId('instruction').addEventListener('input', () => options.onChange())
    byId('add').textContent = `Add ${this.#what.toLowerCase()}`
    byId('add').addEventListener('click', () => this.#add())
  }

  get draft(): Draft {
    return { query: this.#query, instruction: byId('instruction').value, items: this.#items }
  }

  show({ query, instruction, items }: Draft): void {
    this.#query = query
    this.#items = [...items]
    byId('instruction').value = instruction
    this.#render()
  }

  /** Makes all fields anew, and leads the keyboard to one of them. */
  #render(focusId?: string): void {
    const onCard = (card: Card): void => {
      this.#query = card
      this.#options.onChange()
    }
    const place = byId('query-place')
    place.hidden = this.#options.kind === 'embed'
    place.replaceChildren(cardBox({ ...this.#options, label: 'Query', id: 'query', card: this.#query, onCard }))
    byId('items').replaceChildren(...this.#items.map((card, index) => this.#item(card, index)))
    if (focusId !== undefined) byId(focusId).focus()
    this.#options.onChange()
  }

  #item(card: Card, index: number): Element {
    const label = `${this.#what} ${index + 1}`
    const signs = [
      signButton('↑', `Move ${label.toLowerCase()} up`, () => this.#move(index, -1)),
      signButton('↓', `Move ${label.toLowerCase()} down`, () => this.#move(index, 1)),
      signButton('×', `Remove ${label.toLowerCase()}`, () => this.#remove(index)),
    ]
    const onCard = (changed: Card): void => {
      this.#items[index] = changed
      this.#options.onChange()
    }
    const box = cardBox({ ...this.#options, label, id: `item-${index}`, card, onCard, signs })
    box.addEventListener('keydown', (event) => {
      if (!event.altKey || !['ArrowUp', 'ArrowDown'].includes(event.key)) return
      event.preventDefault()
      this.#move(index, event.key === 'ArrowUp' ? -1 : 1)
    })
    return element('li', {}, box)
  }

  #add(): void {
    this.#items.push(emptyCard())
    this.#render(`item-${this.#items.length - 1}`)
  }

  #move(index: number, by: number): void {
    const [card, other] = [this.#items[index], this.#items[index + by]]
    if (card === undefined || other === undefined) return
    this.#items[index] = other
    this.#items[index + by] = card
    this.#render(`item-${index + by}`)
  }

  #remove(index: number): void {
    this.#items.splice(index, 1)
    if (this.#items.length === 0) this.#items.push(emptyCard())
    this.#render(`item-${Math.min(index, this.#items.length - 1)}`)
  }
}
