// Admission: a request is taken whole or refused whole, by what is waiting already and by the memory that is left.

import { QvlError } from '../errors.js'
import type { Limits } from './limits.js'

export interface AdmissionOptions {
  limits: Pick<Limits, 'maxQueuedRequests' | 'maxQueuedTokens' | 'maxBodyBytesInFlight' | 'refuseAtMemoryShare'>
  /** Tokens computed per second; 0 when nothing has been measured yet. */
  tokensPerSecond: () => number
  /** The part of the memory limit that is in use, 0 to 1. */
  memoryShare: () => number
}

/** A place in the queue. */
export interface Ticket {
  /** Memory for the body. Throws ENGINE_OVERLOADED. */
  reserveBytes(bytes: number): void
  /** Room for prompt tokens. Throws ENGINE_OVERLOADED, or REQUEST_TOO_LARGE for what will never fit. */
  reserveTokens(tokens: number): void
  /** The tokens are computed, or no longer wanted. */
  releaseTokens(): void
  /** The request is answered; releasing twice is fine. */
  release(): void
}

export interface Admission {
  /** `isWork` is false for a request that only needs memory for its body. Throws ENGINE_OVERLOADED. */
  enter(isWork: boolean): Ticket
  readonly numInFlight: number
  readonly queuedTokens: number
  /** Seconds after which another try makes sense, from 1 to 60. */
  retryAfter(): number
}

/** A client that is told to wait longer gives up. */
const maxRetryAfterSeconds = 60

export function openAdmission({ limits, tokensPerSecond, memoryShare }: AdmissionOptions): Admission {
  const used = { requests: 0, tokens: 0, bytes: 0 }
  return {
    get numInFlight() {
      return used.requests
    },
    get queuedTokens() {
      return used.tokens
    },
    retryAfter() {
      const rate = tokensPerSecond()
      const seconds = rate > 0 ? Math.ceil(used.tokens / rate) : 1
      return Math.min(Math.max(seconds, 1), maxRetryAfterSeconds)
    },
    enter(isWork) {
      if (isWork && used.requests >= limits.maxQueuedRequests) {
        throw full(`${used.requests} requests are waiting or running`, '--max-queued-requests')
      }
      if (memoryShare() >= limits.refuseAtMemoryShare) throw outOfMemory()
      const requests = isWork ? 1 : 0
      used.requests += requests
      return ticket({ used, requests, limits })
    },
  }
}

interface Used {
  requests: number
  tokens: number
  bytes: number
}

interface Place {
  used: Used
  /** 1, or 0 for a request that does not queue. */
  requests: number
  limits: AdmissionOptions['limits']
}

function ticket({ used, requests, limits }: Place): Ticket {
  const own = { bytes: 0, tokens: 0 }
  let released = false
  const releaseTokens = (): void => {
    used.tokens -= own.tokens
    own.tokens = 0
  }
  return {
    reserveBytes(bytes) {
      if (used.bytes + bytes > limits.maxBodyBytesInFlight) {
        throw full(`${used.bytes} bytes of other requests are in memory`, '--max-body-bytes-in-flight')
      }
      used.bytes += bytes
      own.bytes += bytes
    },
    reserveTokens(tokens) {
      if (tokens > limits.maxQueuedTokens) throw neverFits(limits.maxQueuedTokens)
      if (used.tokens + tokens > limits.maxQueuedTokens) {
        throw full(`${used.tokens} tokens are waiting or running`, '--max-queued-tokens')
      }
      used.tokens += tokens
      own.tokens += tokens
    },
    releaseTokens,
    release() {
      if (released) return
      released = true
      used.requests -= requests
      used.bytes -= own.bytes
    },
  }
}

function full(why: string, flag: string): QvlError {
  return new QvlError('ENGINE_OVERLOADED', {
    what: 'The server is busy and did not take this request.',
    why: `${why[0]!.toUpperCase()}${why.slice(1)}.`,
    do: `Try again after the time in Retry-After; the limit is ${flag}.`,
  })
}

function outOfMemory(): QvlError {
  return new QvlError('ENGINE_OVERLOADED', {
    what: 'The server is short of memory and did not take this request.',
    why: 'What it has taken already needs the rest.',
    do: 'Try again after the time in Retry-After.',
  })
}

/** Of a request that is refused before all its tokens are counted. */
export function neverFits(most: number): QvlError {
  return new QvlError('REQUEST_TOO_LARGE', {
    what: `This request has more than ${most} tokens.`,
    why: 'The queue takes no more; a query counts with each of its documents.',
    do: 'Send fewer inputs in one request, or start the server with a larger --max-queued-tokens.',
  })
}
