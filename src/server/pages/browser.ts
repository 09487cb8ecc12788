// The part of the browser that app.ts uses, as types: this project is compiled for Node, which has no page.

export interface PageElement {
  hidden: boolean
  open: boolean
  disabled: boolean
  value: string
  textContent: string | null
  className: string
  readonly tagName: string
  readonly dataset: Readonly<Record<string, string | undefined>>
  focus(): void
  querySelector(selector: string): PageElement | null
  requestSubmit(): void
  scrollIntoView(): void
  addEventListener(type: string, listener: (event: PageEvent) => void): void
}

export interface PageEvent {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly target: PageElement
  preventDefault(): void
}

export interface Page {
  querySelectorAll(selector: string): Iterable<PageElement>
  querySelector(selector: string): PageElement | null
  getElementById(id: string): PageElement | null
  addEventListener(type: string, listener: (event: PageEvent) => void): void
}

export interface BrowserWindow {
  readonly document: Page
  readonly location: { readonly hash: string; readonly origin: string }
  readonly sessionStorage: { getItem(key: string): string | null; setItem(key: string, value: string): void }
  readonly navigator: { readonly clipboard?: { writeText(text: string): Promise<void> } }
}
