// One field for a text with its images and videos, which can be dropped, pasted or picked.

import { type Element, element, type PageEvent, signButton } from './dom.js'
import type { Card, Media } from './draft.js'
import { mediaTypes, readMedia } from './media.js'

export interface CardBoxOptions {
  label: string
  id: string
  card: Card
  visual: boolean
  maxBytes: number
  onCard: (card: Card) => void
  onError: (message: string) => void
  signs?: readonly Element[]
}

export function cardBox(options: CardBoxOptions): Element {
  const { label, id, visual, maxBytes, onCard, onError, signs = [] } = options
  let { card } = options
  const area = element('textarea', { id, rows: '2', spellcheck: 'false' })
  area.value = card.text
  const strip = element('div', { class: 'media' })
  const change = (next: Partial<Card>): void => {
    card = { ...card, ...next }
    strip.replaceChildren(...card.media.map((media, at) => thumbnail(media, () => drop(at))))
    onCard(card)
  }
  const drop = (at: number): void => {
    change({ media: card.media.filter((_, index) => index !== at) })
    area.focus()
  }
  const take = async (files: ArrayLike<File>): Promise<void> => {
    for (const file of Array.from(files)) {
      try {
        const added = await readMedia(file, maxBytes)
        change({ media: [...card.media, added] })
      } catch (error) {
        onError(error instanceof Error ? error.message : 'The file could not be read.')
      }
    }
  }
  area.addEventListener('input', () => change({ text: area.value }))
  strip.append(...card.media.map((media, at) => thumbnail(media, () => drop(at))))
  const all = [...(visual ? picker(label, take) : []), ...signs]
  const head = element('div', { class: 'card-head' }, element('label', { for: id }, label), element('span', {}, ...all))
  const box = element('div', { class: 'card' }, head, area, strip)
  if (visual) acceptFiles(box, take)
  return box
}

type Take = (files: ArrayLike<File>) => Promise<void>

function picker(label: string, take: Take): Element[] {
  const input = element('input', {
    type: 'file',
    accept: Object.keys(mediaTypes).join(','),
    multiple: true,
    hidden: true,
  })
  input.addEventListener(
    'change',
    () =>
      void take(input.files ?? []).then(() => {
        // The same file may be picked again.
        input.value = ''
      }),
  )
  const name = `Add an image or video to ${label.toLowerCase()}`
  return [input, signButton('+ image', name, () => input.click())]
}

function acceptFiles(box: Element, take: Take): void {
  const over = (event: PageEvent): void => {
    event.preventDefault()
    box.className = 'card over'
  }
  box.addEventListener('dragover', over)
  box.addEventListener('dragleave', () => {
    box.className = 'card'
  })
  box.addEventListener('drop', (event) => {
    event.preventDefault()
    box.className = 'card'
    void take(event.dataTransfer?.files ?? [])
  })
  box.addEventListener('paste', (event) => {
    const files = event.clipboardData?.files ?? []
    if (files.length === 0) return
    event.preventDefault()
    void take(files)
  })
}

export function thumbnail({ kind, name, url }: Media, onRemove?: () => void): Element {
  const shown =
    kind === 'image'
      ? element('img', { src: url, alt: name })
      : element('video', { src: url, muted: true, preload: 'metadata', 'aria-label': name })
  const remove = onRemove === undefined ? [] : [signButton('×', `Remove ${name}`, onRemove)]
  return element('span', { class: 'thumbnail', title: name }, shown, ...remove)
}
