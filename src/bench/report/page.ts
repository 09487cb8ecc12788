// The charts of a run as one page: latency over time, a histogram, requests a second. Nothing is loaded from elsewhere.

import type { Records } from '../load/records.js'
import { fixed2 } from '../python.js'
import { bars, chart, dots, type Frame } from './chart.js'
import { histogram } from './histogram.js'
import type { Results } from './results.js'

export interface PageOptions {
  title: string
  /** What was run: names and values. */
  facts: readonly (readonly [name: string, value: string])[]
}

export function reportPage(results: Results, records: Records, { title, facts }: PageOptions): string {
  const rows = [...facts, ...resultFacts(results)]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<table>${rows.map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</table>
<h2>Latency over time</h2>
${latencyChart(results, records)}
<h2>Latency</h2>
${histogramChart(records)}
<h2>Requests answered a second</h2>
${throughputChart(results, records)}
</body>
</html>
`
}

const style = `
:root { color-scheme: light dark; --text: #1c1e21; --back: #fff; --line: #d4d7dc; --mark: #2563eb; --bad: #dc2626; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e6ea; --back: #15171a; --line: #3a3f47; --mark: #6ea8fe; --bad: #f87171; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
th { text-align: left; font-weight: normal; opacity: 0.7; padding-right: 2rem; } td { font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } text { fill: currentColor; font-size: 12px; } .axis { stroke: var(--line); }
.mark { fill: var(--mark); } .bad { fill: var(--bad); }
`

function resultFacts(results: Results): [string, string][] {
  const { latency } = results
  return [
    ['Successful requests', String(results.completed)],
    ['Failed requests', String(results.failed)],
    ['Duration', `${fixed2(results.durationSec)} s`],
    ['Requests a second', fixed2(results.requestsPerSec)],
    ['Tokens a second', fixed2(results.tokensPerSec)],
    ['Mean latency', `${fixed2(latency.mean)} ms`],
    ['Median latency', `${fixed2(latency.median)} ms`],
    ...latency.percentiles.map(({ p, value }): [string, string] => [`P${p} latency`, `${fixed2(value)} ms`]),
    ...results.failures.map(({ kind, count }): [string, string] => [`Failed: ${kind}`, String(count)]),
  ]
}

/** More dots than this are not told apart. */
const maxDots = 5_000

function latencyChart({ durationSec }: Results, records: Records): string {
  const ended = Array.from({ length: records.numRequests }, (_, index) => index).filter(
    (index) => !Number.isNaN(records.endAt[index]!),
  )
  const step = Math.max(1, Math.ceil(ended.length / maxDots))
  const points = ended
    .filter((_, place) => place % step === 0)
    .map((index) => {
      const isGood = records.isCompleted(index)
      const end = isGood ? records.headersAt[index]! : records.endAt[index]!
      const sent = records.sentAt[index]!
      return { x: sent / 1000, y: end - sent, isGood, text: `request ${index}: ${fixed2(end - sent)} ms` }
    })
  const highest = points.reduce((most, { y }) => Math.max(most, y), 0)
  const frame: Frame = { x: [0, durationSec], y: [0, highest], xName: 'sent after (s)', yName: 'ms' }
  return chart(frame, dots(frame, points))
}

const numBins = 40

function histogramChart(records: Records): string {
  const latencies = records.latencies()
  if (latencies.length === 0) return '<p>No request was answered.</p>'
  const bins = histogram(latencies, numBins)
  const most = Math.max(...bins.map(({ count }) => count))
  const last = bins.at(-1)!
  const frame: Frame = { x: [bins[0]!.from, last.to], y: [0, most], xName: 'ms', yName: 'requests' }
  const named = bins.map((bin) => ({ ...bin, text: `${fixed2(bin.from)} - ${fixed2(bin.to)} ms: ${bin.count}` }))
  return chart(frame, bars(frame, named))
}

/** A column a second, within these bounds. */
const columnBounds = { min: 30, max: 120 }

function throughputChart({ durationSec }: Results, records: Records): string {
  const numColumns = Math.min(columnBounds.max, Math.max(columnBounds.min, Math.ceil(durationSec)))
  const width = Math.max(durationSec, 0.001) / numColumns
  const counts = new Array<number>(numColumns).fill(0)
  for (let index = 0; index < records.numRequests; index++) {
    if (!records.isCompleted(index)) continue
    counts[Math.min(counts.length - 1, Math.floor(records.endAt[index]! / 1000 / width))]!++
  }
  const columns = counts.map((count, index) => {
    const [from, to] = [index * width, (index + 1) * width]
    return { from, to, count: count / width, text: `${fixed2(from)} - ${fixed2(to)} s: ${fixed2(count / width)} req/s` }
  })
  const most = columns.reduce((highest, { count }) => Math.max(highest, count), 0)
  const frame: Frame = { x: [0, width * counts.length], y: [0, most], xName: 'after (s)', yName: 'req/s' }
  return chart(frame, bars(frame, columns))
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
