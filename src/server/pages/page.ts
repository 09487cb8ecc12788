// The page at /docs: every route with its fields, an example and a form that sends it.

import type { Route } from '../route.js'
import { type Html, html } from './html.js'
import { answerTable, joined, refusals, requestTable, shapeTables } from './tables.js'

export interface PageFacts {
  version: string
  /** Below it lie the script and the style. */
  basePath: string
  openApiPath: string
}

export function docsPage(routes: readonly Route[], { version, basePath, openApiPath }: PageFacts): string {
  const ofModel = routes.filter((route) => route.works === true)
  const ofServer = routes.filter((route) => route.works !== true)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>qvl ${version}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${basePath}/style.css">
<script type="module" src="${basePath}/app.js"></script>
</head>
<body>
<header>
<h1>qvl <small>${version}</small></h1>
<p>Embeddings and reranking with Qwen3-VL and Qwen3, over the routes of vLLM, OpenAI, Cohere and Jina.
For programs: <a href="${openApiPath}">${openApiPath}</a>.</p>
<input id="filter" type="search" placeholder="Filter routes ( / )" aria-label="Filter routes" hidden>
<p id="key-line" hidden><label for="key">API key, kept until this tab is closed</label>
<input id="key" type="password" autocomplete="off"></p>
</header>
<main>
${section('What the model computes', ofModel)}
${section('What the server says of itself', ofServer)}
${shapes(routes)}
<p id="nothing" hidden>No route has these letters.</p>
</main>
</body>
</html>
`.text
}

function shapes(routes: readonly Route[]): Html | undefined {
  const tables = shapeTables(routes)
  return tables.length === 0 ? undefined : html`<section id="shapes"><h2>Shapes</h2>${tables}</section>`
}

function section(title: string, routes: readonly Route[]): Html {
  return html`<section>
<h2>${title}</h2>
${routes.map(routeDetails)}
</section>`
}

function routeDetails(route: Route): Html {
  const [path = '', ...others] = route.paths
  const [method = 'GET', ...otherMethods] = route.methods
  return html`<details id="${route.name}" data-words="${[...route.paths, route.name, route.summary].join(' ').toLowerCase()}">
<summary><span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code> <span class="about">${route.summary}</span></summary>
<div class="body">
${alsoLine(others, otherMethods)}
${tryForm(route, method, path)}
${requestTable(route)}
${answerTable(route)}
${refusals(route)}
</div>
</details>`
}

function alsoLine(paths: readonly string[], methods: readonly string[]): Html | undefined {
  if (paths.length + methods.length === 0) return undefined
  const at = paths.length === 0 ? undefined : html` at ${joined(paths)}`
  const by = methods.length === 0 ? undefined : html` with ${joined(methods)}`
  return html`<p>Also${at}${by}.</p>`
}

/** Hidden until the script is there to send it. */
function tryForm({ name, describe }: Route, method: string, path: string): Html {
  const example = describe?.example === undefined ? '{}' : JSON.stringify(describe.example, null, 2)
  const editor = html`<label for="${name}-request">Body</label>
<textarea id="${name}-request" name="body" rows="${example.split('\n').length + 1}" spellcheck="false">${example}</textarea>`
  return html`<form data-method="${method}" data-path="${path}" hidden>
${method === 'GET' ? undefined : editor}
<p class="buttons"><button type="submit">Send</button> <button type="button" class="copy">Copy as curl</button></p>
<p class="status" role="status"></p>
<pre class="output" tabindex="0" aria-label="Answer" hidden></pre>
</form>`
}
