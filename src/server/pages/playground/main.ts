// Runs in the browser, on the page at /: waits for the model, and joins fields, requests and results.

import { type Facts, factsOf, promptsOf, rankingOf, vectorsOf } from './answers.js'
import { Cards } from './cards.js'
import { Refused, send, storedKey, storeKey } from './client.js'
import { byId, page } from './dom.js'
import {
  type Card,
  type Draft,
  draftFrom,
  draftText,
  emptyCard,
  exampleDraft,
  isEmpty,
  type PageRequest,
  requestOf,
} from './draft.js'
import { inMiB } from './media.js'
import { errorParts, timingText } from './numbers.js'
import { rankingView, type ShownResult, vectorsView } from './results.js'
import { type Language, shortened, snippet } from './snippets.js'

const draftName = 'qvl-draft'
const pollMs = 1_000

interface Session {
  facts: Facts
  cards: Cards
  /** Of the request that is under way. */
  running: AbortController | undefined
  /** The last request. */
  sent: PageRequest | undefined
}

prepareKey()
void start()

async function start(): Promise<void> {
  try {
    await untilReady()
    const facts = factsOf((await send('page/facts')).body)
    byId('key').hidden = true
    // A key may also be asked for later, when the server has got new ones.
    if (byId('form').hidden) begin(facts)
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return askForKey()
    fail(error)
  }
}

async function untilReady(): Promise<void> {
  for (;;) {
    const waiting = await send('health/ready').then(
      () => undefined,
      (error: unknown) => error,
    )
    if (waiting === undefined) return say('')
    say(
      waiting instanceof Refused
        ? `Waiting for the model. ${waiting.message}`
        : 'The server does not answer. Trying again …',
    )
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

function prepareKey(): void {
  byId('key').addEventListener('submit', (event) => {
    event.preventDefault()
    storeKey(byId('key-value').value.trim())
    byId('error').hidden = true
    void start()
  })
}

function askForKey(): void {
  const wasWrong = storedKey() !== ''
  byId('key').hidden = false
  byId('key-hint').textContent = wasWrong ? 'This key is not one of the server’s.' : 'This server asks for a key.'
  byId('key-value').focus()
}

function begin(facts: Facts): void {
  describe(facts)
  const cards = new Cards({
    ...{ kind: facts.kind, visual: facts.visual, maxBytes: facts.maxBodyBytes },
    onChange: () => keep(session),
    onError: showError,
  })
  const session: Session = { facts, cards, running: undefined, sent: undefined }
  const first: Draft = { query: emptyCard(), instruction: '', items: [emptyCard(), emptyCard()] }
  cards.show(draftFrom(page().sessionStorage.getItem(draftName)) ?? first)
  byId('form').addEventListener('submit', (event) => {
    event.preventDefault()
    void run(session)
  })
  byId('form').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    void run(session)
  })
  byId('cancel').addEventListener('click', () => session.running?.abort())
  byId('example').addEventListener('click', () => cards.show(exampleDraft(facts.kind)))
  for (const language of ['curl', 'javascript', 'python'] as const) {
    byId(`copy-${language}`).addEventListener('click', () => void copy(session, language))
  }
  byId('form').hidden = false
  byId('empty').hidden = false
}

function describe(facts: Facts): void {
  const does = facts.kind === 'score' ? 'reranker' : 'embedder'
  // A folder is told by its last name; requests carry the whole.
  byId('model').textContent = facts.model
    .split('/')
    .slice(facts.model.startsWith('/') ? -1 : 0)
    .join('/')
  byId('model').setAttribute('title', facts.model)
  byId('facts').textContent = [
    `${does} on ${facts.device}`,
    `prompts up to ${facts.maxModelLen.toLocaleString('en')} tokens`,
    `requests up to ${inMiB(facts.maxBodyBytes)}`,
  ].join(' · ')
  byId('metrics').hidden = storedKey() !== ''
  byId('media-hint').hidden = !facts.visual
  byId('run').textContent = facts.kind === 'score' ? 'Rank' : 'Embed'
  byId('items-title').textContent = facts.kind === 'score' ? 'Documents' : 'Inputs'
}

function keep({ cards }: Session): void {
  page().sessionStorage.setItem(draftName, draftText(cards.draft))
}

async function run(session: Session): Promise<void> {
  const { facts, cards } = session
  if (session.running !== undefined) return
  const { draft } = cards
  const request = requestOf(facts.kind, draft, facts.model)
  const refusal = refusalOf(request, draft, facts)
  if (refusal !== undefined) return showError(refusal)
  const stop = new AbortController()
  Object.assign(session, { running: stop, sent: request })
  busy(true)
  showRequest(request, 'curl')
  try {
    await ask(facts, request, { signal: stop.signal, cards: request.sent.map((index) => draft.items[index]!) })
  } catch (error) {
    byId('answer').replaceChildren()
    if (stop.signal.aborted) say('Cancelled.')
    else fail(error)
  } finally {
    session.running = undefined
    busy(false)
  }
}

/** Why a request is not sent, for the visitor. */
function refusalOf({ body, sent }: ReturnType<typeof requestOf>, { query }: Draft, facts: Facts): string | undefined {
  if (sent.length === 0 || (facts.kind === 'score' && isEmpty(query))) {
    const missing = facts.kind === 'score' ? 'a query and a document' : 'an input'
    return `Nothing was sent. There has to be ${missing}. Type something, or take the example.`
  }
  const numBytes = new Blob([JSON.stringify(body)]).size
  if (numBytes <= facts.maxBodyBytes) return undefined
  const [got, most] = [inMiB(numBytes), inMiB(facts.maxBodyBytes)]
  return `Nothing was sent. The request is ${got}, and the server takes ${most}. Remove an image or video.`
}

/** The answer is shown when it comes; its prompts follow. */
async function ask(
  facts: Facts,
  { path, body }: PageRequest,
  { signal, cards }: { signal: AbortSignal; cards: readonly Card[] },
): Promise<void> {
  const answer = await send(path, { body, signal })
  const numTokens = showAnswer(facts, answer.body, { cards, prompts: [] })
  const total = `${numTokens.toLocaleString('en')} tokens · ${answer.milliseconds.toFixed(0)} ms`
  say([total, timingText(answer.timing)].filter(Boolean).join(' · '))
  const explained = await send('explain', { body, signal })
  showAnswer(facts, answer.body, { cards, prompts: promptsOf(explained.body) })
}

/** Returns how many tokens it took. */
function showAnswer(facts: Facts, body: unknown, shown: ShownResult): number {
  byId('empty').hidden = true
  if (facts.kind === 'score') {
    const ranking = rankingOf(body)
    byId('answer').replaceChildren(rankingView(ranking, shown))
    return ranking.promptTokens
  }
  const vectors = vectorsOf(body)
  byId('answer').replaceChildren(vectorsView(vectors, shown))
  return vectors.promptTokens
}

function busy(isBusy: boolean): void {
  byId('run').disabled = isBusy
  byId('cancel').hidden = !isBusy
  if (!isBusy) return
  byId('error').hidden = true
  say('Computing …')
}

function showRequest({ path, body }: PageRequest, language: Language): void {
  byId('request').hidden = false
  byId('copied').textContent = ''
  byId('request-text').textContent = snippet(language, { path, body: shortened(body) }, snippetOptions())
}

/** What was sent last, whatever has been typed since. */
async function copy({ sent }: Session, language: Language): Promise<void> {
  if (sent === undefined) return
  showRequest(sent, language)
  const text = snippet(language, sent, snippetOptions())
  // A page from another machine without TLS has no clipboard; there the text is shown whole, to be selected.
  const copied = await page()
    .navigator.clipboard?.writeText(text)
    .then(
      () => true,
      () => false,
    )
  if (copied !== true) byId('request-text').textContent = text
  byId('copied').textContent = copied === true ? 'Copied.' : 'Copy it from here:'
}

const snippetOptions = () => ({ base: page().document.baseURI, keyed: storedKey() !== '' })

function say(text: string): void {
  byId('status').textContent = text
}

function fail(error: unknown): void {
  if (error instanceof Refused) {
    if (error.status === 401) askForKey()
    showError(error.message)
    return
  }
  showError('The server did not answer. It may have ended, or the connection is gone. Look at its log, and send again.')
}

function showError(message: string): void {
  const { what, rest } = errorParts(message)
  say('')
  byId('error-what').textContent = what
  byId('error-rest').textContent = rest
  byId('error').hidden = false
}
