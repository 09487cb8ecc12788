// Reads the body of a request within limits on its size, its number of pieces and its time.

import type { IncomingMessage } from 'node:http'
import { QvlError } from '../../errors.js'
import type { Limits } from '../limits.js'

export type BodyLimits = Pick<Limits, 'maxBodyBytes' | 'maxBodyChunks' | 'bodySeconds'>

export interface ReadOptions {
  limits: BodyLimits
  /** Aborted when the client leaves. */
  signal: AbortSignal
  /** Told of memory before it is taken; may throw. */
  reserve: (bytes: number) => void
}

/** What the head says against the body. Throws REQUEST_SCHEMA, ENCODING_UNSUPPORTED, REQUEST_TOO_LARGE. */
export function checkBodyHead({ headers }: IncomingMessage, limits: BodyLimits, json: boolean): void {
  if (declaredBytes(headers['content-length']) > limits.maxBodyBytes) throw tooLarge(limits)
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw new QvlError('ENCODING_UNSUPPORTED', {
      what: 'The body of this request is compressed.',
      why: 'This server reads bodies as they are: a small compressed one can hold any amount of data.',
      do: 'Send it without Content-Encoding.',
      param: 'Content-Encoding',
    })
  }
  if (json && !/^\s*application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    // vLLM's words, which clients match.
    const what = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed"
    throw new QvlError('REQUEST_SCHEMA', { what })
  }
}

/** Throws REQUEST_TOO_LARGE, REQUEST_TIMEOUT, what `reserve` throws, and the signal's reason. */
export function readBody(request: IncomingMessage, options: ReadOptions): Promise<Uint8Array> {
  const { limits, signal } = options
  return new Promise((resolve, reject) => {
    const bytes = new GrowingBytes(declaredBytes(request.headers['content-length']), options)
    const settle = (finish: () => void): void => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('error', onError)
      signal.removeEventListener('abort', onAbort)
      finish()
    }
    const fail = (error: unknown): void => settle(() => reject(error))
    const onData = (chunk: Buffer): void => {
      try {
        bytes.add(chunk)
      } catch (error) {
        fail(error)
      }
    }
    const onEnd = (): void => settle(() => resolve(bytes.taken()))
    const onError = (error: unknown): void => fail(signal.aborted ? signal.reason : error)
    const onAbort = (): void => fail(signal.reason)
    const timer = setTimeout(() => fail(tooSlow(limits)), limits.bodySeconds * 1000)
    request.on('data', onData).on('end', onEnd).on('error', onError)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}

/** Chunks copied into one piece of memory: kept as they come, tiny ones would cost a hundred times their size. */
class GrowingBytes {
  private buffer: Buffer
  private used = 0
  private numChunks = 0

  constructor(
    private readonly declared: number,
    private readonly options: ReadOptions,
  ) {
    this.buffer = this.allocate(Math.min(declared || firstBytes, firstBytes))
  }

  add(chunk: Buffer): void {
    const { limits } = this.options
    const needed = this.used + chunk.length
    this.numChunks += 1
    if (needed > limits.maxBodyBytes || this.numChunks > limits.maxBodyChunks) throw tooLarge(limits)
    if (needed > this.buffer.length) this.grow(needed)
    chunk.copy(this.buffer, this.used)
    this.used = needed
  }

  taken(): Uint8Array {
    return this.buffer.subarray(0, this.used)
  }

  /** Twice the size each time, and never more than was declared: a client that declares much sends it first. */
  private grow(needed: number): void {
    const most = this.declared || this.options.limits.maxBodyBytes
    const larger = this.allocate(Math.max(needed, Math.min(most, 2 * this.buffer.length)))
    this.buffer.copy(larger, 0, 0, this.used)
    this.buffer = larger
  }

  private allocate(size: number): Buffer {
    this.options.reserve(size - (this.buffer?.length ?? 0))
    // Not from Node's shared pool: the memory may be handed to a worker thread.
    return Buffer.allocUnsafeSlow(size)
  }
}

const firstBytes = 64 * 1024

/** 0 when the length is not declared. */
const declaredBytes = (header: string | undefined): number => (header === undefined ? 0 : Number(header))

function tooLarge({ maxBodyBytes }: BodyLimits): QvlError {
  return new QvlError('REQUEST_TOO_LARGE', {
    what: 'The body of this request is too large.',
    why: `This server reads ${maxBodyBytes} bytes at most, in pieces that are not tiny.`,
    do: 'Send fewer inputs in one request, or start the server with a larger --max-body-bytes.',
  })
}

function tooSlow({ bodySeconds }: BodyLimits): QvlError {
  return new QvlError('REQUEST_TIMEOUT', {
    what: 'The body of this request did not arrive in time.',
    why: `This server waits ${bodySeconds} s for it.`,
    do: 'Send it faster, or start the server with a larger --body-timeout.',
  })
}
