// Runs in the browser, on the page at /docs: the filter, and forms that send requests to this server.

import type { BrowserWindow, PageElement } from './browser.js'

declare const window: BrowserWindow
const { document, location, navigator, sessionStorage } = window

/** The page at / uses the same. */
const keyName = 'qvl-api-key'
/** Longer answers are cut on the page; a program gets all of them. */
const maxCharacters = 20_000
/** Longer lists of numbers show only their beginning. */
const maxNumbers = 8

for (const form of document.querySelectorAll('form')) prepareForm(form)
prepareFilter()
prepareKey()
openLinked()

function prepareForm(form: PageElement): void {
  form.hidden = false
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void send(form)
  })
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit()
  })
  form.querySelector('.copy')?.addEventListener('click', () => void copyCurl(form))
}

async function send(form: PageElement): Promise<void> {
  const button = form.querySelector('button[type=submit]')
  if (button !== null) button.disabled = true
  say(form, 'Sending …', '')
  const started = performance.now()
  try {
    const response = await fetch(pathOf(form), requestOf(form))
    const text = await readable(response)
    if (response.status === 401) askForKey()
    const milliseconds = (performance.now() - started).toFixed(0)
    const times = response.headers.get('server-timing') ?? ''
    const parts = [`${response.status} ${response.statusText}`, `${milliseconds} ms`, times]
    say(form, parts.filter(Boolean).join(' · '), response.ok ? 'good' : 'bad')
    show(form, text)
  } catch (error) {
    say(form, `No answer came: ${error instanceof Error ? error.message : 'unknown'}`, 'bad')
  } finally {
    if (button !== null) button.disabled = false
  }
}

const pathOf = (form: PageElement): string => form.dataset.path ?? ''

function requestOf(form: PageElement): RequestInit {
  const method = form.dataset.method ?? 'GET'
  const body = form.querySelector('textarea')?.value
  const key = sessionStorage.getItem(keyName) ?? ''
  const headers = {
    ...(key !== '' && { authorization: `Bearer ${key}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  return body === undefined ? { method, headers } : { method, body, headers }
}

function prepareKey(): void {
  const field = document.getElementById('key')
  field?.addEventListener('input', () => sessionStorage.setItem(keyName, field.value.trim()))
}

function askForKey(): void {
  const line = document.getElementById('key-line')
  if (line === null) return
  line.hidden = false
  document.getElementById('key')?.focus()
}

async function readable(response: Response): Promise<string> {
  const type = response.headers.get('content-type') ?? ''
  if (type.startsWith('application/octet-stream')) return `${(await response.arrayBuffer()).byteLength} bytes`
  const text = await response.text()
  const shown = type.startsWith('application/json') && text !== '' ? indented(text) : text
  return shown.length > maxCharacters ? `${shown.slice(0, maxCharacters)}\n… cut here` : shown
}

function indented(text: string): string {
  return JSON.stringify(JSON.parse(text), shortenNumbers, 2)
}

function shortenNumbers(_key: string, value: unknown): unknown {
  if (!Array.isArray(value) || value.length <= maxNumbers || typeof value[0] !== 'number') return value
  return [...value.slice(0, maxNumbers), `… ${value.length - maxNumbers} more`]
}

async function copyCurl(form: PageElement): Promise<void> {
  const { method, body } = requestOf(form)
  const quoted = typeof body === 'string' ? ` -H 'content-type: application/json' -d ${shellQuoted(body)}` : ''
  // The key itself stays out of the clipboard.
  const key = sessionStorage.getItem(keyName) ? ' -H "Authorization: Bearer $QVL_API_KEY"' : ''
  const command = `curl -X ${method} ${shellQuoted(location.origin + pathOf(form))}${key}${quoted}`
  // A page from another machine without TLS has no clipboard; there the command is shown, to be selected.
  const copied =
    (await navigator.clipboard?.writeText(command).then(
      () => true,
      () => false,
    )) ?? false
  if (!copied) show(form, command)
  say(form, copied ? 'Copied.' : 'Copy it from here:', copied ? 'good' : '')
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function say(form: PageElement, text: string, kind: string): void {
  const status = form.querySelector('.status')
  if (status === null) return
  status.textContent = text
  status.className = `status ${kind}`
}

function show(form: PageElement, text: string): void {
  const output = form.querySelector('.output')
  if (output === null) return
  output.textContent = text
  output.hidden = text === ''
}

/** Hides the routes that lack the letters; the slash key leads to the field. */
function prepareFilter(): void {
  const filter = document.getElementById('filter')
  if (filter === null) return
  filter.hidden = false
  filter.addEventListener('input', () => {
    const wanted = filter.value.trim().toLowerCase()
    let numShown = 0
    for (const route of document.querySelectorAll('details')) {
      route.hidden = !(route.dataset.words ?? '').includes(wanted)
      if (!route.hidden) numShown += 1
    }
    const nothing = document.getElementById('nothing')
    if (nothing !== null) nothing.hidden = numShown > 0
  })
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || ['INPUT', 'TEXTAREA'].includes(event.target.tagName)) return
    event.preventDefault()
    filter.focus()
  })
}

/** /docs#rerank opens that route. */
function openLinked(): void {
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (linked === null) return
  linked.open = true
  linked.scrollIntoView()
}
