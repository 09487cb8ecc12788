// Which sites a browser may send requests from: Host and Origin of a request, and the CORS headers of its answer.

import { isIP } from 'node:net'
import { QvlError } from '../../errors.js'

export interface OriginOptions {
  /** Names besides localhost under which a loopback server may be addressed; `*` is any. */
  allowedHosts: readonly string[]
  /** Origins whose pages may read answers; `*` is any. Empty: only pages of this server. */
  allowedOrigins: readonly string[]
  allowedMethods: readonly string[]
  allowedHeaders: readonly string[]
  allowCredentials: boolean
}

/** What of a request these rules look at. */
export interface FromWhere {
  /** Every header of that name. */
  hosts: readonly string[]
  origin: string | undefined
}

export interface OriginRules {
  /** Throws REQUEST_INVALID for a Host that is none, FORBIDDEN_ORIGIN for a site that may not ask. */
  check(from: FromWhere): void
  /** Headers for an answer to this origin. */
  headers(origin: string | undefined): Readonly<Record<string, string>>
  /** Headers for the answer to a preflight request. */
  preflight(origin: string | undefined, requestedHeaders: string | undefined): Readonly<Record<string, string>>
}

/**
 * On loopback, pages in a browser of this machine could reach the server where nobody else can: by name, after their
 * name has been pointed at 127.0.0.1 (DNS rebinding), or across sites. Both are refused.
 */
export function originRules(options: OriginOptions, loopback: boolean): OriginRules {
  const { allowedOrigins, allowCredentials } = options
  const anyOrigin = allowedOrigins.includes('*')
  const isAllowed = (origin: string): boolean => anyOrigin || allowedOrigins.includes(origin)
  const headers: OriginRules['headers'] = (origin) => {
    if (origin === undefined || !isAllowed(origin)) return allowedOrigins.length > 0 && !anyOrigin ? vary : {}
    // With credentials, browsers want the origin itself.
    const named = !anyOrigin || allowCredentials
    return {
      'access-control-allow-origin': named ? origin : '*',
      ...(named && vary),
      ...(allowCredentials && { 'access-control-allow-credentials': 'true' }),
    }
  }
  return {
    check({ hosts, origin }) {
      const host = checkHost(hosts)
      if (!loopback) return
      if (!isLocalName(host.name) && !options.allowedHosts.some((name) => name === '*' || name === host.name)) {
        throw forbiddenHost()
      }
      if (origin !== undefined && !isAllowed(origin) && !isSameSite(origin, host)) throw forbiddenOrigin()
    },
    headers,
    preflight(origin, requestedHeaders) {
      if (origin === undefined || !isAllowed(origin)) return {}
      const anyHeader = options.allowedHeaders.includes('*')
      return {
        ...headers(origin),
        'access-control-allow-methods': methodList(options.allowedMethods),
        'access-control-allow-headers': anyHeader ? (requestedHeaders ?? '*') : options.allowedHeaders.join(', '),
        'access-control-max-age': '600',
      }
    },
  }
}

const vary = { vary: 'Origin' }

interface Host {
  /** Lower case, without brackets and port. */
  name: string
  /** Name and port as the client wrote them. */
  full: string
}

function checkHost(hosts: readonly string[]): Host {
  const [full] = hosts
  const match = hosts.length === 1 ? /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(full!) : null
  if (full === undefined || match === null) {
    throw new QvlError('REQUEST_INVALID', {
      what: 'The Host header of this request is not usable.',
      why: 'A request has one Host header: a name or an address, and a port where it is not the usual one.',
      do: 'Send the host and port of the URL.',
      param: 'Host',
    })
  }
  return { name: (match[1] ?? match[2]!).toLowerCase(), full: full.toLowerCase() }
}

/** An address was not looked up, so nobody can have pointed it elsewhere. */
const isLocalName = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0

const isSameSite = (origin: string, host: Host): boolean =>
  ['http://', 'https://'].some((scheme) => origin.toLowerCase() === scheme + host.full)

const methodList = (methods: readonly string[]): string =>
  methods.includes('*') ? 'GET, HEAD, POST, PUT, OPTIONS' : methods.join(', ')

function forbiddenHost(): QvlError {
  return new QvlError('FORBIDDEN_ORIGIN', {
    what: 'This server does not answer under the name in the Host header.',
    why: 'It listens on a loopback address, where a foreign name is a sign of DNS rebinding.',
    do: 'Use localhost or 127.0.0.1, or start the server with --allowed-hosts NAME.',
    param: 'Host',
  })
}

function forbiddenOrigin(): QvlError {
  return new QvlError('FORBIDDEN_ORIGIN', {
    what: 'Pages of this origin may not use this server.',
    why: 'It listens on a loopback address, and the request comes from a page of another site.',
    do: `Start the server with --allowed-origins '["https://..."]' to allow it.`,
    param: 'Origin',
  })
}
