// Writes an answer: in one piece where it is small, else piece by piece, as fast as the client reads.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RouteAnswer } from '../route.js'

/** Pieces are gathered up to this size: a packet and a turn of the event loop for each number would be slow. */
const flushBytes = 64 * 1024

/** Making pieces gets the event loop to itself for no longer than this. */
const turnMs = 8

export interface WriteOptions {
  /** Aborted when the client leaves; the pieces are not made then. */
  signal: AbortSignal
  /** A client that takes nothing for so long has gone. */
  stalledSeconds: number
  /** What to wait for when the answer is written, and before the connection may close. */
  beforeEnd?: () => Promise<void>
}

/**
 * Resolves when the operating system has all of it. Throws what making the pieces throws, and the signal's reason;
 * `response.headersSent` says whether another answer can still be given.
 */
export async function writeAnswer(response: ServerResponse, answer: RouteAnswer, options: WriteOptions): Promise<void> {
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  const { body } = answer
  if (typeof body === 'string' || body instanceof Uint8Array) return finish(response, Buffer.from(body), options)
  const rest = await writePieces(response, body, options)
  return finish(response, rest, options)
}

/** Writes all but the last pieces, which it returns. */
async function writePieces(
  response: ServerResponse,
  pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  options: WriteOptions,
): Promise<Buffer> {
  let gathered: Buffer[] = []
  let gatheredBytes = 0
  let turnStart = performance.now()
  // Leaving the loop early closes a generator, so that what it holds is freed.
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece)
    gathered.push(bytes)
    gatheredBytes += bytes.length
    const isFull = gatheredBytes >= flushBytes
    if (!isFull && performance.now() - turnStart < turnMs) continue
    if (isFull) {
      await write(response, Buffer.concat(gathered), options)
      gathered = []
      gatheredBytes = 0
    }
    await nextTurn()
    options.signal.throwIfAborted()
    turnStart = performance.now()
  }
  return Buffer.concat(gathered)
}

async function write(response: ServerResponse, bytes: Buffer, options: WriteOptions): Promise<void> {
  options.signal.throwIfAborted()
  if (!response.write(bytes)) await takenBy(response, 'drain', options)
}

async function finish(response: ServerResponse, bytes: Buffer, options: WriteOptions): Promise<void> {
  options.signal.throwIfAborted()
  if (!response.headersSent) response.setHeader('content-length', bytes.length)
  if (options.beforeEnd !== undefined) {
    // With its declared length, the answer is whole for the client already.
    await write(response, bytes, options)
    await options.beforeEnd()
    response.end()
  } else {
    response.end(bytes)
  }
  if (!response.writableFinished) await takenBy(response, 'finish', options)
}

/** Waits until the client has taken what was written; cuts the connection when that takes too long. */
async function takenBy(response: ServerResponse, event: 'drain' | 'finish', options: WriteOptions): Promise<void> {
  const timer = setTimeout(() => response.destroy(), options.stalledSeconds * 1000)
  try {
    await once(response, event, { signal: options.signal })
  } catch (error) {
    throw options.signal.aborted ? options.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}
