// The one place that fetches media over the network. What is dialled is what was checked: names are resolved once, every
// address they have must be allowed, and the same holds at each redirect (CVE-2025-6242, CVE-2026-24779).

import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { Agent, type Dispatcher, request } from 'undici'
import { asQvlError, QvlError } from '../errors.js'
import type { AddressRules } from './addresses.js'
import { invalidReference, quoted, tooManyBytes } from './media-errors.js'

export interface FetchOptions {
  /** Only these hosts; any when empty. */
  allowedDomains: readonly string[]
  /** Decides what may be dialled. */
  addresses: AddressRules
  maxRedirects: number
  connectTimeoutMs: number
  /** For the whole reference, redirects included. */
  totalTimeoutMs: number
  /** Resolves names; the system's resolver when absent. */
  lookup?: LookupAll
}

export type LookupAll = (
  hostname: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const redirects = new Set([301, 302, 303, 307, 308])
/** Worth another try by the client; other refusals of the remote are final. */
const transient = (status: number): boolean => status >= 500 || status === 408 || status === 429

export class MediaFetcher implements AsyncDisposable {
  readonly #options: FetchOptions
  readonly #agent: Agent

  constructor(options: FetchOptions) {
    this.#options = options
    const lookup = checkedLookup(options)
    // No proxy from the environment: it would resolve and dial in our place.
    this.#agent = new Agent({ connect: { lookup, timeout: options.connectTimeoutMs }, pipelining: 0 })
  }

  /**
   * The bytes behind an http(s) URL. Throws REQUEST_INVALID for another URL, MEDIA_BLOCKED, MEDIA_NOT_FOUND,
   * MEDIA_UNAVAILABLE and MEDIA_TOO_LARGE, or the signal's reason.
   */
  async fetch(reference: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    const timeout = AbortSignal.timeout(this.#options.totalTimeoutMs)
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    try {
      return await this.#follow(reference, maxBytes, either)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (timeout.aborted) throw unavailable(`It took longer than ${this.#options.totalTimeoutMs / 1000} seconds.`)
      throw ownError(error)
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #follow(reference: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    let url = this.#check(reference)
    for (let hop = 0; hop <= this.#options.maxRedirects; hop++) {
      const response = await request(url, { dispatcher: this.#agent, signal, headers: { accept: 'image/*, video/*' } })
      const location = response.headers.location
      if (!redirects.has(response.statusCode) || typeof location !== 'string') return readBody(response, maxBytes)
      response.body.on('error', () => undefined).destroy()
      url = this.#check(location, url)
    }
    throw blocked(`${quoted(reference)} redirects more than ${this.#options.maxRedirects} times.`)
  }

  /** One parser decides for the check and for the dial. */
  #check(reference: string, base?: URL): URL {
    if (!URL.canParse(reference, base?.href))
      throw invalidReference(`${quoted(reference)} is not a URL.`, urlForm, urlFix)
    const url = new URL(reference, base)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      if (base !== undefined) throw blocked(`A redirect leads to ${url.protocol} instead of http or https.`)
      throw invalidReference('The URL must be either a HTTP, data or file URL.', urlForm, urlFix)
    }
    if (url.username !== '' || url.password !== '') throw blocked('The URL has a user name in it.')
    const host = hostOf(url)
    const { allowedDomains, addresses } = this.#options
    if (allowedDomains.length > 0 && !allowedDomains.some((domain) => sameHost(domain, host))) {
      // vLLM's own text.
      const list = allowedDomains.join(', ')
      throw blocked(`The URL must be from one of the allowed domains: ${list}. Input URL domain: ${host}`)
    }
    // Not every resolver knows localhost with a dot behind it, and none may say that it is elsewhere (RFC 6761).
    const address = /(^|\.)localhost$/.test(host) ? '127.0.0.1' : host
    if (isIP(address) !== 0 && !addresses.isAllowed(address)) throw blockedAddress(host)
    return url
  }
}

const urlForm = 'Media are referred to by http(s) URLs, base64 data URLs, or file: URLs where those are allowed.'
const urlFix = 'Send one of them.'

/** Without the brackets of IPv6, and without the dot that ends an absolute name. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')

const sameHost = (domain: string, host: string): boolean => domain.toLowerCase().replace(/\.$/, '') === host

/** Resolves a name once; the connection is made to what comes out of here. */
function checkedLookup({ addresses, lookup = lookupAll }: FetchOptions): LookupFunction {
  return (hostname, { all }, callback) => {
    lookup(hostname, (error, found) => {
      const bad = found?.find(({ address }) => !addresses.isAllowed(address))
      const [first] = found ?? []
      if (error !== null) callback(error, '')
      else if (bad !== undefined) callback(asErrno(blockedAddress(hostname)), '')
      else if (first === undefined) callback(asErrno(unavailable('The name has no address.')), '')
      else if (all) callback(null, found)
      else callback(null, first.address, first.family)
    })
  }
}

const lookupAll: LookupAll = (hostname, done) => systemLookup(hostname, { all: true }, done)

/** The type of a lookup's error is Node's own. */
const asErrno = (error: QvlError): NodeJS.ErrnoException => error as Error

async function readBody({ statusCode, headers, body }: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  if (statusCode !== 200) {
    body.on('error', () => undefined).destroy()
    if (transient(statusCode)) throw unavailable(`The other server answered with status ${statusCode}.`)
    throw notFound(`The other server answered with status ${statusCode}.`)
  }
  const declared = Number(headers['content-length'])
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    total += chunk.length
    if (total > maxBytes || declared > maxBytes) throw tooManyBytes(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A connection's error keeps ours as it is, and tells nothing else of the network inside. */
function ownError(error: unknown): QvlError {
  if (error instanceof QvlError) return error
  if (error instanceof Error && error.cause instanceof QvlError) return error.cause
  if (error instanceof AggregateError) {
    const own = error.errors.find((one) => one instanceof QvlError)
    if (own !== undefined) return asQvlError(own)
  }
  return unavailable('The connection failed.', error)
}

function blocked(what: string): QvlError {
  return new QvlError('MEDIA_BLOCKED', {
    what,
    why: 'Requests may not make the server reach where they could not.',
    do: 'Send the file as a data URL, or ask the operator to allow its place.',
  })
}

const blockedAddress = (host: string): QvlError =>
  blocked(`The address of ${quoted(host)} is not on the public internet.`)

function notFound(why: string): QvlError {
  return new QvlError('MEDIA_NOT_FOUND', { what: 'The media URL cannot be fetched.', why, do: 'Check the URL.' })
}

function unavailable(why: string, cause?: unknown): QvlError {
  const details = {
    what: 'The media URL cannot be fetched now.',
    why,
    do: 'Try again, or send the file as a data URL.',
  }
  return new QvlError('MEDIA_UNAVAILABLE', { ...details, cause })
}
