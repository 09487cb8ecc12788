// Who may ask: the rules on keys and origins, applied to a request.

import type { IncomingMessage } from 'node:http'
import { QvlError } from '../../errors.js'
import type { Route } from '../route.js'
import { apiKeys } from './api-keys.js'
import { type OriginOptions, originRules } from './origin.js'

export interface AccessOptions extends OriginOptions {
  /** Empty: no key is needed. */
  apiKeys: readonly string[]
  /** Metrics are answered without a key, for scrapers that have none. */
  openMetrics: boolean
}

export interface Access {
  /** Throws REQUEST_INVALID, FORBIDDEN_ORIGIN. */
  checkOrigin(request: IncomingMessage): void
  /** `route` as the router found it, so that both mean the same path. Throws UNAUTHORIZED. */
  checkKey(request: IncomingMessage, route: Route | undefined): void
  /** From now on these keys count. */
  useKeys(texts: readonly string[]): void
  corsHeaders(request: IncomingMessage): Readonly<Record<string, string>>
  /** Headers of the answer to a browser that asks before it sends; undefined for any other request. */
  preflight(request: IncomingMessage): Readonly<Record<string, string>> | undefined
}

export function openAccess(options: AccessOptions, loopback: boolean): Access {
  let keys = apiKeys(options.apiKeys)
  const origins = originRules(options, loopback)
  const isOpen = (route: Route | undefined): boolean =>
    route?.open === true || (options.openMetrics && route?.paths.includes('/metrics') === true)
  return {
    checkOrigin: (request) => origins.check({ hosts: all(request, 'host'), origin: request.headers.origin }),
    checkKey(request, route) {
      if (isOpen(route) || keys.allow(all(request, 'authorization'))) return
      throw new QvlError('UNAUTHORIZED', {
        what: 'This request has no API key that the server knows.',
        do: 'Send the header Authorization: Bearer KEY.',
      })
    },
    useKeys(texts) {
      keys = apiKeys(texts)
    },
    corsHeaders: (request) => origins.headers(request.headers.origin),
    preflight({ method, headers }) {
      if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return undefined
      return origins.preflight(headers.origin, headers['access-control-request-headers'])
    },
  }
}

/** Every header of a name: Node keeps only the first of those that should be sent once. */
function all({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === name)
}
