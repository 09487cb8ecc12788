// The style of the page at /docs.

import { palette } from './palette.js'

export const style = `${palette}* { box-sizing: border-box; }
body {
  margin: 0 auto;
  padding: 2rem 1rem 6rem;
  max-width: 60rem;
  background: var(--page);
  color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.75rem; }
h1 small { color: var(--soft); font-size: 1rem; font-weight: normal; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.1rem; }
h3 { margin: 1.5rem 0 0.5rem; font-size: 1rem; }
a { color: var(--accent); }
code, pre, textarea { font-family: ui-monospace, monospace; font-size: 0.875rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
input[type="search"], input[type="password"] {
  width: 100%;
  padding: 0.5rem 0.75rem;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--card);
  color: inherit;
  font: inherit;
}
details { margin-bottom: 0.5rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card); }
summary { padding: 0.6rem 0.8rem; cursor: pointer; }
summary::marker { color: var(--soft); }
summary code { font-weight: 600; overflow-wrap: anywhere; }
.about { color: var(--soft); }
.method { display: inline-block; min-width: 3.5rem; color: var(--good); font: 600 0.75rem ui-monospace, monospace; }
.method.post, .method.put { color: var(--accent); }
.body { padding: 0 0.8rem 0.8rem; }
.body > p { margin: 0.25rem 0 0.75rem; }
label { display: block; color: var(--soft); font-size: 0.875rem; }
textarea, pre {
  width: 100%;
  margin: 0.25rem 0 0;
  padding: 0.6rem;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--page);
  color: inherit;
}
textarea { resize: vertical; }
pre { max-height: 24rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.buttons { margin: 0.5rem 0; }
button {
  padding: 0.35rem 0.9rem;
  border: 1px solid var(--accent);
  border-radius: 6px;
  background: transparent;
  color: var(--accent);
  font: inherit;
  cursor: pointer;
}
button[type="submit"] { background: var(--accent); color: var(--page); }
button:disabled { opacity: 0.6; cursor: default; }
.status { min-height: 1.5em; margin: 0; color: var(--soft); font-size: 0.875rem; }
.status.good { color: var(--good); }
.status.bad { color: var(--bad); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
th, td { min-width: 5rem; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
tbody th { font-weight: normal; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 1rem; margin: 0; font-size: 0.875rem; }
dt { font-family: ui-monospace, monospace; }
dd { margin: 0; }
`
