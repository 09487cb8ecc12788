// What a hub's answers and the network's failures mean to a person.

import type { IncomingHttpHeaders } from 'node:http'
import { QvlError } from '../../errors.js'

/** The service and the repository that a request is about. */
export interface HubTarget {
  /** `Hugging Face`, `ModelScope`. */
  service: string
  endpoint: string
  id: string
  revision: string
  /** The variable that holds the user's token. */
  tokenName: string
  hasToken: boolean
}

/** A failure that may pass: worth another try. */
export class TransientFailure extends Error {
  override readonly name = 'TransientFailure'

  constructor(
    /** One sentence for a person. */
    readonly why: string,
    readonly details: { retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(why, { cause: details.cause })
  }
}

/** The failure behind a status other than success. `what` is the address without its query. */
export function statusFailure(status: number, headers: IncomingHttpHeaders, target: HubTarget, what: string): Error {
  if (status === 401 || status === 403) return unauthorized(status, headers, target)
  if (status === 404 || status === 410) return notFound(headers, target, what)
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return new TransientFailure(`${target.service} answered with status ${status}.`, {
      retryAfterMs: retryAfterMs(headers['retry-after']),
    })
  }
  return unexpectedAnswer(target, `It answered ${what} with status ${status}.`)
}

export function unexpectedAnswer(target: HubTarget, why: string): QvlError {
  return new QvlError('HUB_UNAVAILABLE', {
    what: `${target.endpoint} does not answer as ${target.service} does.`,
    why,
    do: 'Check the endpoint, and whether a proxy or a sign-in page answers in its place.',
  })
}

export function unavailable(target: HubTarget, failure: TransientFailure): QvlError {
  return new QvlError('HUB_UNAVAILABLE', {
    what: `${target.id} could not be fetched from ${target.endpoint}.`,
    why: failure.why,
    do: 'Check the network and proxy settings and run again; what has arrived is kept.',
    cause: failure.details.cause ?? failure,
  })
}

/** The failure behind an error of the HTTP client or of a socket. */
export function networkFailure(error: unknown, host: string): TransientFailure {
  return new TransientFailure(networkReason(errorCode(error), host), { cause: error })
}

function networkReason(code: string, host: string): string {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The name ${host} could not be resolved.`
    case 'ECONNREFUSED':
      return `${host} refused the connection.`
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
    case 'ETIMEDOUT':
      return `${host} stopped answering.`
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
      return `The connection to ${host} was cut.`
    default:
      return /CERT|SIGNATURE|SSL|TLS/.test(code)
        ? `The certificate of ${host} is not trusted.`
        : `The connection to ${host} failed.`
  }
}

/** The system's or the client's code; an error that stands for several carries that of the first. */
function errorCode(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function unauthorized(status: number, headers: IncomingHttpHeaders, target: HubTarget): QvlError {
  const gated = headers['x-error-code'] === 'GatedRepo'
  const page = `${target.endpoint}/${target.id}`
  return new QvlError('HUB_UNAUTHORIZED', {
    what: `${target.service} refused access to ${target.id} with status ${status}.`,
    why: gated
      ? 'The repository is gated: its terms have to be accepted first.'
      : `The repository is gated or private, or it does not exist; ${target.hasToken ? 'the token used has no access to it' : 'no token was sent'}.`,
    do: gated
      ? `Accept the terms at ${page}, then set ${target.tokenName} to a token of that account.`
      : `Check the name, and set ${target.tokenName} to a token that can read ${page}.`,
  })
}

function notFound(headers: IncomingHttpHeaders, target: HubTarget, what: string): QvlError {
  const revision = headers['x-error-code'] === 'RevisionNotFound'
  return new QvlError('MODEL_NOT_FOUND', {
    what: `${target.id} (revision ${target.revision}) was not found at ${target.endpoint}.`,
    why: revision ? 'The repository exists, but has no such revision.' : `There is nothing at ${what}.`,
    do: 'Check the spelling of the name and the revision, and the endpoint.',
    param: revision ? 'revision' : 'model',
  })
}

/** Retry-After is a number of seconds or a date. */
function retryAfterMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
