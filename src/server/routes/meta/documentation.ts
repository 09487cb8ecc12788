// /openapi.json and /docs, made from the route table.

import { readFileSync } from 'node:fs'
import { openApiDocument } from '../../openapi/document.js'
import { docsPage } from '../../pages/page.js'
import { style } from '../../pages/style.js'
import type { Route, RouteAnswer } from '../../route.js'

const openApiPath = '/openapi.json'
const basePath = '/docs'

/** Nothing from elsewhere is loaded, nothing written in the page is run, and no other page may frame it. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The routes that describe `others` and themselves. vLLM's --disable-fastapi-docs leaves them out. */
export function documentationRoutes(others: readonly Route[]): readonly Route[] {
  const pages: readonly Route[] = [
    text({
      paths: [openApiPath],
      name: 'openapi',
      summary: 'This API as an OpenAPI 3.1 document.',
      type: 'application/json',
      make: (version) => JSON.stringify(openApiDocument([...others, ...pages], version)),
    }),
    text({
      paths: [basePath, '/redoc'],
      name: 'docs',
      summary: 'A page that describes these routes and sends requests to them.',
      type: 'text/html; charset=utf-8',
      make: (version) => docsPage([...others, ...pages], { version, basePath, openApiPath }),
    }),
  ]
  return [...pages, ...assets()]
}

/** What the page loads; not worth describing. */
const assets = (): readonly Route[] => [
  text({
    paths: [`${basePath}/app.js`],
    name: 'docs_script',
    summary: 'The script of /docs.',
    type: 'text/javascript; charset=utf-8',
    make: pageScript,
  }),
  text({
    paths: [`${basePath}/style.css`],
    name: 'docs_style',
    summary: 'The style of /docs.',
    type: 'text/css; charset=utf-8',
    make: () => style,
  }),
]

interface TextRoute extends Pick<Route, 'paths' | 'name' | 'summary'> {
  type: string
  make: (version: string) => string
}

/** Made at the first request and kept: it is the same for all. */
function text({ type, make, ...row }: TextRoute): Route {
  let body: string | undefined
  return {
    ...row,
    methods: ['GET'],
    always: true,
    handle: (_request, { version }): RouteAnswer => {
      body ??= make(version)
      return { status: 200, headers: { ...safety, 'content-type': type }, body }
    },
  }
}

const safety = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** The compiled app.ts, without the note that leads to its source map. */
function pageScript(): string {
  const script = readFileSync(new URL('../../pages/app.js', import.meta.url), 'utf8')
  return script.replace(/^\/\/# sourceMappingURL=.*$/m, '')
}
