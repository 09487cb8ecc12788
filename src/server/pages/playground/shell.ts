// The page at /, as HTML: everything in it is filled by its script.

import { html } from '../html.js'

export interface ShellFacts {
  version: string
  /** Whether there is a page at /docs to lead to. */
  documentation: boolean
}

/** Addresses are relative, so that the page works below a path of a proxy. */
export function pageShell({ version, documentation }: ShellFacts): string {
  const docs = html`<a href="docs">API</a>`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>qvl</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page/style.css">
<script type="module" src="page/main.js"></script>
</head>
<body>
<a class="skip" href="#form">Skip to the request</a>
<header>
<h1>qvl <small>${version}</small></h1>
<p class="about"><strong id="model"></strong> <span id="facts" class="soft"></span></p>
<nav aria-label="Server">${documentation ? docs : undefined}<a id="metrics" href="metrics">Metrics</a></nav>
</header>
<noscript><p>This page needs its script. The API works without.</p></noscript>
<form id="key" class="card key" hidden>
<label for="key-value">API key</label>
<p id="key-hint" class="soft"></p>
<div class="row"><input id="key-value" type="password" autocomplete="off" required aria-describedby="key-hint"><button type="submit">Use key</button></div>
<p class="soft">It is kept until this tab is closed.</p>
</form>
<main>
<form id="form" hidden>
<div id="query-place"></div>
<div class="title"><h2 id="items-title">Documents</h2><button type="button" id="example" class="plain">Fill in an example</button></div>
<ol id="items" class="items" aria-labelledby="items-title"></ol>
<button type="button" id="add" class="plain">Add document</button>
<details class="options"><summary>Instruction</summary>
<label for="instruction">What counts as relevant (empty: the model’s own)</label>
<textarea id="instruction" rows="2"></textarea>
</details>
<p class="soft"><span id="media-hint" hidden>Drop, paste or pick images and videos.</span> Alt and an arrow move a field; Ctrl and Enter send.</p>
<div class="row"><button type="submit" id="run" class="main">Rank</button><button type="button" id="cancel" hidden>Cancel</button></div>
</form>
<section aria-label="Result">
<p id="status" role="status"></p>
<div id="error" role="alert" hidden><strong id="error-what"></strong> <span id="error-rest"></span></div>
<p id="empty" class="empty soft" hidden>Results stand here, with the prompts as the model reads them.</p>
<div id="answer"></div>
<section id="request" aria-labelledby="request-title" hidden>
<div class="title"><h2 id="request-title">Request</h2><span id="copied" role="status" class="soft"></span></div>
<div class="row"><button type="button" id="copy-curl" class="plain">Copy as curl</button><button type="button" id="copy-javascript" class="plain">Copy as JS</button><button type="button" id="copy-python" class="plain">Copy as Python</button></div>
<pre id="request-text" tabindex="0" aria-label="The request"></pre>
</section>
</section>
</main>
</body>
</html>
`.text
}
