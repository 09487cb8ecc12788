// The style of the page at /.

import { palette } from '../palette.js'

export const pageStyle = `${palette}* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto;
  padding: 1.25rem 1.25rem 4rem;
  max-width: 76rem;
  background: var(--page);
  color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif;
}
header {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0.25rem 1.25rem;
  margin-bottom: 1.5rem;
  padding-bottom: 0.75rem;
  border-bottom: 1px solid var(--line);
}
h1 { margin: 0; font-size: 1.4rem; }
h1 small { color: var(--soft); font-size: 0.875rem; font-weight: normal; }
h2 { margin: 0; font-size: 1rem; }
p { margin: 0.5rem 0; }
.about { flex: 1; min-width: 12rem; margin: 0; overflow-wrap: anywhere; }
.about > * { display: block; }
nav { display: flex; gap: 1rem; }
a { color: var(--accent); }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 0.25rem; }
.soft { color: var(--soft); font-size: 0.875rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
main { display: grid; gap: 2rem; }
main > * { min-width: 0; }
@media (min-width: 56rem) { main { grid-template-columns: 1fr 1fr; gap: 2.5rem; } }
.card { padding: 0.6rem 0.75rem 0.75rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
.card.over { border-color: var(--accent); }
.card-head { display: flex; justify-content: space-between; align-items: center; margin-bottom: 0.3rem; }
label { color: var(--soft); font-size: 0.875rem; }
.card-head label { color: var(--text); font-weight: 600; }
textarea, input[type="password"] {
  display: block;
  width: 100%;
  padding: 0.45rem 0.6rem;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--page);
  color: inherit;
  font: inherit;
}
textarea { resize: vertical; field-sizing: content; min-height: 2.4rem; }
.items { display: grid; gap: 0.6rem; margin: 0.6rem 0; padding: 0; list-style: none; }
.title { display: flex; justify-content: space-between; align-items: center; gap: 1rem; margin-top: 1.25rem; }
#query-place[hidden] + .title { margin-top: 0; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0.6rem 0; }
.row input { flex: 1; }
.key { max-width: 32rem; margin-bottom: 1.5rem; }
.options { margin: 0.9rem 0; }
button {
  padding: 0.35rem 0.8rem;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--page);
  color: var(--text);
  font: inherit;
  font-size: 0.9375rem;
  cursor: pointer;
}
button:hover { border-color: var(--accent); }
button:disabled { opacity: 0.6; cursor: default; }
button.main { padding: 0.45rem 1.6rem; border-color: var(--accent); background: var(--accent); color: var(--on-accent); font-weight: 600; }
button.sign { padding: 0.1rem 0.45rem; border-color: transparent; background: transparent; color: var(--soft); font-size: 0.875rem; }
button.sign:hover { border-color: var(--line); color: var(--text); }
.media { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.media:not(:empty) { margin-top: 0.5rem; }
.thumbnail { position: relative; display: inline-flex; }
.thumbnail img, .thumbnail video { width: 4.5rem; height: 4.5rem; border: 1px solid var(--line); border-radius: 6px; object-fit: cover; background: var(--page); }
.thumbnail .sign { position: absolute; top: 0.15rem; right: 0.15rem; padding: 0 0.35rem; background: var(--page); color: var(--text); }
.result .thumbnail img, .result .thumbnail video { width: 2.5rem; height: 2.5rem; }
#status { min-height: 1.5rem; margin: 0 0 0.75rem; color: var(--soft); font-size: 0.875rem; }
#status:empty { min-height: 0; margin: 0; }
#error { margin-bottom: 1rem; padding: 0.7rem 0.9rem; border: 1px solid var(--bad); border-radius: 8px; background: var(--bad-card); overflow-wrap: anywhere; }
#error strong { display: block; color: var(--bad); }
.empty { padding: 2.5rem 1rem; border: 1px dashed var(--line); border-radius: 8px; text-align: center; }
.results { display: grid; gap: 1rem; margin: 0; padding: 0; list-style: none; }
.result-head { display: flex; align-items: center; gap: 0.6rem; }
.number { white-space: nowrap; }
.text { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.result-head > :last-child { margin-left: auto; }
.score { font-variant-numeric: tabular-nums; }
.bar { display: block; height: 0.5rem; margin: 0.35rem 0; border-radius: 4px; background: var(--line); overflow: hidden; }
.bar::before {
  content: "";
  display: block;
  height: 100%;
  width: calc(max(var(--share) * 100%, 2px));
  border-radius: 4px;
  background: var(--accent);
}
@media (prefers-reduced-motion: no-preference) {
  .bar::before { animation: grow 0.25s ease-out; }
  @keyframes grow { from { width: 0; } }
}
@media (max-width: 40rem) {
  .about { order: 1; flex-basis: 100%; }
  nav { margin-left: auto; }
  .result-head { flex-wrap: wrap; }
  .number { flex-basis: 100%; }
}
summary { color: var(--soft); font-size: 0.875rem; cursor: pointer; }
pre, code { font-family: ui-monospace, monospace; font-size: 0.8125rem; }
pre {
  max-height: 22rem;
  margin: 0.4rem 0 0;
  padding: 0.7rem;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--card);
  overflow: auto;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.vector { color: var(--soft); overflow-wrap: anywhere; }
.scroll { margin-bottom: 1.25rem; overflow-x: auto; }
.matrix { border-collapse: separate; border-spacing: 2px; font-variant-numeric: tabular-nums; }
.matrix caption { padding-bottom: 0.4rem; color: var(--soft); font-size: 0.875rem; text-align: left; }
.matrix th { padding: 0.3rem 0.6rem; color: var(--soft); font-size: 0.875rem; font-weight: normal; }
.matrix td { padding: 0.5rem 0.75rem; border-radius: 4px; text-align: right; }
.matrix tbody td { background: color-mix(in srgb, var(--accent) calc(var(--share) * 45%), var(--card)); }
`
