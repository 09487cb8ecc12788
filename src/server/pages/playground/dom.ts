// The part of the browser that the page at / uses, as types, and elements made in one call.

export interface Element {
  hidden: boolean
  disabled: boolean
  value: string
  textContent: string | null
  className: string
  readonly id: string
  readonly tagName: string
  readonly files: readonly File[] | null
  readonly style: { setProperty(name: string, value: string): void }
  append(...children: readonly Child[]): void
  replaceChildren(...children: readonly Child[]): void
  setAttribute(name: string, value: string): void
  addEventListener(type: string, listener: Listener): void
  querySelector(selector: string): Element | null
  click(): void
  focus(): void
}

export interface PageEvent {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly dataTransfer: { readonly files: ArrayLike<File> } | null
  readonly clipboardData: { readonly files: ArrayLike<File> } | null
  preventDefault(): void
}

export type Listener = (event: PageEvent) => void
export type Child = Element | string

interface Window {
  readonly document: {
    readonly baseURI: string
    createElement(tag: string): Element
    getElementById(id: string): Element | null
    addEventListener(type: string, listener: Listener): void
  }
  readonly navigator: { readonly clipboard?: { writeText(text: string): Promise<void> } }
  readonly sessionStorage: {
    getItem(key: string): string | null
    setItem(key: string, value: string): void
    removeItem(key: string): void
  }
}

declare const window: Window

export const page = (): Window => window

/** A function among the attributes listens to the event of that name; `true` is an attribute without a value. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string | boolean | Listener>> = {},
  ...children: readonly Child[]
): Element {
  const made = window.document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value)
    else if (value !== false) made.setAttribute(name, value === true ? '' : value)
  }
  made.append(...children)
  return made
}

export function byId(id: string): Element {
  const found = window.document.getElementById(id)
  if (found === null) throw new Error(`The page has no #${id}.`)
  return found
}

/** A button whose label is read out in full where only a sign is seen. */
export function signButton(sign: string, label: string, onClick: () => void): Element {
  return element('button', { type: 'button', class: 'sign', 'aria-label': label, title: label, click: onClick }, sign)
}
