// Turns the body of a request into tasks: at once where that is quick, else in a worker thread.

import type { Engine, Preparer } from '../../engine/requests.js'
import { QvlError } from '../../errors.js'
import type { Visuals } from '../../prompts/visuals.js'
import type { Draft } from './draft.js'
import { numCharacters, visualCharacters } from './draft-work.js'
import { type Drafted, draftOf, needsMedia, toDrafted } from './drafted.js'
import { finishDraft } from './finish-draft.js'
import { JsonTexts } from './json-texts.js'
import { unpack } from './pack.js'
import type { Prepared, PreparedOf, PreparedRoute } from './prepared.js'
import type { Outcome } from './protocol.js'
import { readDraft } from './read-draft.js'
import type { PrepareSettings } from './settings.js'
import { ThreadPool } from './thread-pool.js'

/** A larger body goes to a thread: reading JSON of this size takes well under a millisecond. */
const maxInlineBytes = 32 * 1024
/** Text to tokenise at once, a query counted with each of its documents. It takes a few milliseconds. */
const maxInlineCharacters = 32 * 1024

export interface Preparation extends AsyncDisposable {
  /** The main thread's own. */
  readonly preparer: Preparer
  /**
   * Decodes, parses, templates and tokenises `body`, whose memory may be gone afterwards: a thread takes it over.
   * Its images and videos are fetched and measured meanwhile, which takes no thread. Throws REQUEST_*, MODEL_NOT_SERVED,
   * INPUT_TOO_LONG, MEDIA_* and NOT_IMPLEMENTED for what is wrong with the request, ENGINE_OVERLOADED when too many large bodies wait, INTERNAL when the thread broke, and the signal's reason.
   */
  prepare<Route extends PreparedRoute>(
    route: Route,
    body: Uint8Array,
    options: { signal: AbortSignal },
  ): Promise<PreparedOf<Route>>
  /** Large bodies that wait for a thread or are in one. */
  readonly numWaiting: number
  /** Ends the threads; what is in them is refused with NOT_READY. Closing twice is fine. */
  close(): Promise<void>
}

export interface PreparationOptions {
  engine: Pick<Engine, 'preparer' | 'preparerOptions' | 'loadVisuals'>
  settings: PrepareSettings
  /** Threads for large bodies: vLLM's --renderer-num-workers. */
  numThreads: number
  warn: (message: string) => void
}

/** Resolves when the threads are ready. Throws what opening the checkpoint throws. */
export async function openPreparation(options: PreparationOptions): Promise<Preparation> {
  const { engine, settings, numThreads, warn } = options
  const { preparer, preparerOptions } = engine
  const pool = new ThreadPool({
    numThreads,
    maxWaiting: settings.limits.maxQueuedRequests,
    start: { preparer: preparerOptions, settings },
    warn,
  })
  try {
    await pool.open()
  } catch (error) {
    await pool.close()
    throw error
  }
  const preparing = { ...options, pool }
  return {
    preparer,
    // The draft of a route becomes what is prepared for that route.
    prepare: async (route, body, { signal }) => (await prepare(preparing, { route, body, signal })) as never,
    get numWaiting() {
      return pool.numWaiting
    },
    close: () => pool.close(),
    [Symbol.asyncDispose]: () => pool.close(),
  }
}

interface Preparing extends PreparationOptions {
  pool: ThreadPool
}

interface Received {
  route: PreparedRoute
  body: Uint8Array
  signal: AbortSignal
}

async function prepare(preparing: Preparing, received: Received): Promise<Prepared> {
  received.signal.throwIfAborted()
  const outcome = await read(preparing, received)
  if ('tasks' in outcome) return outcome
  if (outcome.kind === 'prepared') return unpack(outcome.packed)
  return finish(preparing, outcome.drafted, received.signal)
}

/** What can be prepared at once is; the rest goes to a thread, or has to wait for its images. */
async function read({ engine, settings, pool }: Preparing, received: Received): Promise<Prepared | Outcome> {
  const { route, body, signal } = received
  if (body.byteLength <= maxInlineBytes) {
    const draft = readDraft(route, body, engine.preparer, settings)
    if (needsMedia(draft)) return { kind: 'drafted', drafted: toDrafted(draft) }
    if (numCharacters(draft) <= maxInlineCharacters) {
      return finishDraft(draft, engine.preparer, { maxTokens: settings.limits.maxQueuedTokens })
    }
  }
  return pool.run({ kind: 'read', route, body: ownMemory(body) }, signal)
}

/** Images are loaded here: sockets, files and decoding block no thread, and the texts have no need of them. */
async function finish({ engine, settings, pool }: Preparing, drafted: Drafted, signal: AbortSignal): Promise<Prepared> {
  const { draft, contents, attachments, texts } = drafted
  const loaded = await engine.loadVisuals(contents, signal, attachments)
  signal.throwIfAborted()
  const small = draft.byteLength <= maxInlineBytes ? draftOf(draft) : undefined
  const prepared =
    small !== undefined && isQuick(small, loaded.facts)
      ? finishDraft(small, engine.preparer, { maxTokens: settings.limits.maxQueuedTokens, visuals: loaded.facts })
      : await finishInThread(pool, drafted, { visuals: loaded.facts, signal })
  const repeated = texts && { texts: new JsonTexts(texts.bytes, texts.ends) }
  // The texts are those of the same draft.
  return { ...prepared, ...repeated, loaded } as Prepared
}

const isQuick = (draft: Draft, visuals: Visuals): boolean =>
  numCharacters(draft) + visualCharacters(draft, visuals) <= maxInlineCharacters

async function finishInThread(
  pool: ThreadPool,
  { draft }: Drafted,
  { visuals, signal }: { visuals: Visuals; signal: AbortSignal },
): Promise<Prepared> {
  const outcome = await pool.run({ kind: 'finish', draft, visuals }, signal)
  if (outcome.kind === 'prepared') return unpack(outcome.packed)
  throw new QvlError('INTERNAL', { what: 'A draft came back as a draft.' })
}

/** A body may be a part of memory that holds other things too. */
function ownMemory(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = body
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === body.byteLength
  return isWhole ? new Uint8Array(buffer) : Uint8Array.from(body)
}
