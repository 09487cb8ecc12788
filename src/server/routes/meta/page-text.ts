// Routes that answer every browser with the same text: pages, scripts and styles.

import type { Route } from '../../route.js'

/** Nothing from elsewhere is loaded, nothing written in the page is run, and no other page may frame it. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  'media-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const pageSafety = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export interface TextRoute extends Pick<Route, 'paths' | 'name' | 'summary'> {
  type: string
  make: (version: string) => string
}

/**
 * Made at the first request and kept: it is the same for all. No key is asked for, because a browser that opens an address
 * has none to send, and the text holds nothing of the model or of requests.
 */
export function textRoute({ type, make, ...row }: TextRoute): Route {
  let body: string | undefined
  return {
    ...row,
    methods: ['GET'],
    open: true,
    always: true,
    handle: (_request, { version }) => {
      body ??= make(version)
      return { status: 200, headers: { ...pageSafety, 'content-type': type }, body }
    },
  }
}

/** The note that leads to a file which is not served. */
export const withoutSourceMap = (script: string): string => script.replace(/^\/\/# sourceMappingURL=.*$/m, '')
