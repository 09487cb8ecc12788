// The page at /: its shell, its script and style, and what it asks about the server.

import { readFileSync } from 'node:fs'
import { pageShell } from '../../pages/playground/shell.js'
import { pageStyle } from '../../pages/playground/style.js'
import type { Route, RouteAnswer } from '../../route.js'
import { jsonAnswer } from './answers.js'
import { pageSafety, textRoute, withoutSourceMap } from './page-text.js'

/** The modules that the page's script is made of. */
const modules = [
  'answers',
  'card-box',
  'cards',
  'client',
  'dom',
  'draft',
  'main',
  'media',
  'numbers',
  'results',
  'snippets',
] as const

/** Without `documentation`, the page has no link to /docs. */
export function pageRoutes({ documentation }: { documentation: boolean }): readonly Route[] {
  const html = textRoute({
    paths: ['/'],
    name: 'page',
    summary: 'A page to try the model in a browser; only for clients that accept text/html.',
    type: 'text/html; charset=utf-8',
    make: (version) => pageShell({ version, documentation }),
  })
  return [
    { ...html, handle: (request, context) => forBrowser(request.headers.accept, () => html.handle(request, context)) },
    facts,
    ...assets,
  ]
}

/** A program that looks here gets what vLLM says of a path it does not have. */
function forBrowser<Answer>(accept: string | undefined, make: () => Answer): Answer | RouteAnswer {
  if (accept?.includes('text/html') === true) return make()
  return {
    ...jsonAnswer(404, { detail: 'Not Found' }),
    headers: { ...pageSafety, 'content-type': 'application/json', vary: 'Accept' },
  }
}

const facts: Route = {
  methods: ['GET'],
  paths: ['/page/facts'],
  name: 'page_facts',
  summary: 'What the page at / shows of the model and its limits.',
  handle: (_request, { engine, limits, servedModelNames, version }) => {
    const { kind, architecture, device, maxModelLen } = engine.model
    const visual = /vl/i.test(architecture)
    return jsonAnswer(200, {
      ...{ model: servedModelNames[0], kind, visual, device, version, maxModelLen },
      maxBodyBytes: limits.maxBodyBytes,
    })
  },
}

const assets: readonly Route[] = [
  textRoute({
    paths: ['/page/style.css'],
    name: 'page_style',
    summary: 'The style of the page at /.',
    type: 'text/css; charset=utf-8',
    make: () => pageStyle,
  }),
  ...modules.map((name) =>
    textRoute({
      paths: [`/page/${name}.js`],
      name: 'page_script',
      summary: 'A part of the script of the page at /.',
      type: 'text/javascript; charset=utf-8',
      make: () => withoutSourceMap(readFileSync(new URL(`../../pages/playground/${name}.js`, import.meta.url), 'utf8')),
    }),
  ),
]
