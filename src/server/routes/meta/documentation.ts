// /openapi.json and /docs, made from the route table.

import { readFileSync } from 'node:fs'
import { openApiDocument } from '../../openapi/document.js'
import { docsPage } from '../../pages/page.js'
import { style } from '../../pages/style.js'
import type { Route } from '../../route.js'
import { textRoute, withoutSourceMap } from './page-text.js'

const openApiPath = '/openapi.json'
const basePath = '/docs'

/** The routes that describe `others` and themselves. vLLM's --disable-fastapi-docs leaves them out. */
export function documentationRoutes(others: readonly Route[]): readonly Route[] {
  const pages: readonly Route[] = [
    textRoute({
      paths: [openApiPath],
      name: 'openapi',
      summary: 'This API as an OpenAPI 3.1 document.',
      type: 'application/json',
      make: (version) => JSON.stringify(openApiDocument([...others, ...pages], version)),
    }),
    textRoute({
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
  textRoute({
    paths: [`${basePath}/app.js`],
    name: 'docs_script',
    summary: 'The script of /docs.',
    type: 'text/javascript; charset=utf-8',
    make: pageScript,
  }),
  textRoute({
    paths: [`${basePath}/style.css`],
    name: 'docs_style',
    summary: 'The style of /docs.',
    type: 'text/css; charset=utf-8',
    make: () => style,
  }),
]

const pageScript = (): string => withoutSourceMap(readFileSync(new URL('../../pages/app.js', import.meta.url), 'utf8'))
