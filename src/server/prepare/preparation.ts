// Turns the body of a request into tasks: at once where that is quick, else in a worker thread.

import type { Engine, Preparer } from '../../engine/requests.js'
import { unpack } from './pack.js'
import { planBody } from './plan.js'
import type { PreparedOf, PreparedRoute } from './prepared.js'
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
   * Throws REQUEST_*, MODEL_NOT_SERVED, INPUT_TOO_LONG, MEDIA_UNSUPPORTED and NOT_IMPLEMENTED for what is wrong with
   * the request, ENGINE_OVERLOADED when too many large bodies wait, INTERNAL when the thread broke, and the signal's reason.
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
  engine: Pick<Engine, 'preparer' | 'preparerOptions'>
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
  return {
    preparer,
    async prepare(route, body, { signal }) {
      signal.throwIfAborted()
      if (body.byteLength <= maxInlineBytes) {
        const plan = planBody(route, body, preparer, settings)
        if (plan.numCharacters <= maxInlineCharacters) return plan.run()
      }
      const packed = await pool.run({ route, body: ownMemory(body) }, signal)
      // The thread was asked for this route.
      return unpack(packed) as PreparedOf<typeof route>
    },
    get numWaiting() {
      return pool.numWaiting
    },
    close: () => pool.close(),
    [Symbol.asyncDispose]: () => pool.close(),
  }
}

/** A body may be a part of memory that holds other things too. */
function ownMemory(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = body
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === body.byteLength
  return isWhole ? new Uint8Array(buffer) : Uint8Array.from(body)
}
