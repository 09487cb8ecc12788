// The panel as lines for a terminal of a given size: a pure function of a snapshot.

import type { ServerState } from '../../bench/watch.js'
import { duration } from '../progress-text.js'
import type { Style } from '../terminal.js'
import { compact, latency, memory, percent, unknown } from './figures.js'
import { fit, type Line, type LineOptions, lineText, lineWidth, type Piece, padded, widthOf } from './line.js'
import type { CacheCounts } from './sample.js'
import type { Snapshot } from './snapshot.js'

export interface PanelSize extends LineOptions {
  rows: number
}

/** From this many columns on, two sections stand side by side. */
const wideColumns = 140
const labelColumns = 10
/** Room for a name and a figure. */
const cellColumns = 14
const maxCells = 4
const gapColumns = 2
const maxErrors = 3

/** No line is wider than `columns`, and there are fewer of them than `rows`: a full screen could not be taken back. */
export function panelLines(snapshot: Snapshot, size: PanelSize): string[] {
  const { columns, rows } = size
  const sections = sectionsOf(snapshot)
  const body = columns >= wideColumns ? sideBySide(sections, size) : sections.flatMap((one) => one(columns, size))
  const lines = [head(snapshot, size), where(snapshot, size), ...remark(snapshot), ...body, ...history(snapshot, size)]
  return lines.slice(0, Math.max(1, rows - 1)).map((line) => lineText(line, size))
}

type Section = (columns: number, size: PanelSize) => Line[]

interface Cell {
  name: string
  value: string
}

function sectionsOf(snapshot: Snapshot): Section[] {
  const rows = figuresOf(snapshot).map(
    ([label, ...cells]): Section =>
      (columns, size) =>
        rowOf(label, cells, columns, size),
  )
  return [...rows, errorsOf(snapshot)]
}

type Row = [label: string, ...cells: Cell[]]

function figuresOf(snapshot: Snapshot): Row[] {
  const { latency: recent, prefixCache, imageCache } = snapshot
  return [
    [
      'requests',
      { name: 'running', value: compact(snapshot.running) },
      { name: 'waiting', value: compact(snapshot.waiting) },
      { name: 'req/s', value: compact(snapshot.requestsPerSecond) },
      { name: 'inputs/s', value: compact(snapshot.inputsPerSecond) },
    ],
    [
      'tokens',
      { name: 'tok/s', value: compact(snapshot.tokensPerSecond) },
      { name: 'computed', value: compact(snapshot.computedTokensPerSecond) },
    ],
    [
      'latency',
      { name: 'p50', value: latency(recent?.p50) },
      { name: 'p95', value: latency(recent?.p95) },
      { name: 'p99', value: latency(recent?.p99) },
      { name: 'of', value: `last ${snapshot.windowSeconds} s` },
    ],
    [
      'cache hits',
      { name: 'prefix', value: hitShare(prefixCache) },
      { name: 'images', value: hitShare(imageCache) },
      { name: 'filled', value: percent(snapshot.cacheUsage) },
    ],
    [
      'load',
      { name: 'busy', value: percent(snapshot.busyShare) },
      { name: 'cores', value: compact(snapshot.coresBusy) },
      { name: 'memory', value: memory(snapshot.residentBytes) },
    ],
  ]
}

const hitShare = (cache: CacheCounts | undefined): string =>
  cache === undefined || cache.queries === 0 ? unknown : percent(cache.hits / cache.queries)

/** As many cells beside the label as there is room for; the others below. */
function rowOf(label: string, cells: readonly Cell[], columns: number, size: PanelSize): Line[] {
  const room = columns - labelColumns - 2
  const perLine = Math.max(1, Math.min(maxCells, Math.floor(room / cellColumns)))
  const cellWidth = Math.floor(room / perLine)
  const lines: Line[] = []
  for (let first = 0; first < cells.length; first += perLine) {
    const pieces = cells.slice(first, first + perLine).flatMap((cell) => cellPieces(cell, cellWidth, size))
    lines.push([labelPiece(first === 0 ? label : '', size), ...pieces])
  }
  return lines
}

const labelPiece = (label: string, { symbols }: PanelSize): Piece => ({
  text: ` ${padded(label, labelColumns, symbols)} `,
  style: 'dim',
})

function cellPieces({ name, value }: Cell, columns: number, { symbols }: PanelSize): Piece[] {
  const room = Math.max(0, columns - widthOf(name) - 1)
  return [{ text: fit(`${name} `, columns, symbols) }, { text: padded(value, room, symbols), style: 'bold' }]
}

function errorsOf({ errors }: Snapshot): Section {
  if (errors === undefined || errors.length === 0) {
    const text = errors === undefined ? unknown : 'none'
    return (_columns, size) => [[labelPiece('errors', size), { text }]]
  }
  return (columns, size) => {
    const { symbols } = size
    const shown = errors.slice(0, errors.length > maxErrors ? maxErrors - 1 : maxErrors)
    const lines = shown.map(({ code, count, what, secondsAgo }, index): Line => {
      const when = secondsAgo === undefined ? '' : `, ${duration(1000 * secondsAgo)} ago`
      const text = fit(
        `${code} ${symbols.times} ${compact(count)}  ${what}${when}`,
        columns - labelColumns - 2,
        symbols,
      )
      const isFresh = secondsAgo !== undefined && secondsAgo < freshSeconds
      return [labelPiece(index === 0 ? 'errors' : '', size), { text, style: isFresh ? 'red' : undefined }]
    })
    const rest = errors.slice(shown.length)
    if (rest.length === 0) return lines
    const numMore = rest.reduce((sum, { count }) => sum + count, 0)
    return [...lines, [labelPiece('', size), { text: `and ${compact(numMore)} more of ${rest.length} kinds` }]]
  }
}

/** An error this young is marked. */
const freshSeconds = 60

/** What is asked first on the left, the rest on the right. */
function sideBySide(sections: readonly Section[], size: PanelSize): Line[] {
  const columns = Math.floor((size.columns - gapColumns) / 2)
  const half = Math.ceil(sections.length / 2)
  const left = sections.slice(0, half).flatMap((section) => section(columns, size))
  const right = sections.slice(half).flatMap((section) => section(columns, size))
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => {
    const line = left[index] ?? []
    const gap = ' '.repeat(Math.max(0, columns + gapColumns - lineWidth(line)))
    return [...line, { text: gap }, ...(right[index] ?? [])]
  })
}

const stateStyles: Readonly<Record<ServerState, Style>> = {
  loading: 'yellow',
  ready: 'green',
  draining: 'yellow',
  failed: 'red',
  unreachable: 'red',
}

/** `── qvl 0.1.0 · Qwen/Qwen3-Reranker-0.6B ───────── ready ──`. */
function head({ server, model, state }: Snapshot, { columns, symbols }: PanelSize): Line {
  const { rule, dot } = symbols
  const edge = rule.repeat(2)
  const room = Math.max(0, columns - widthOf(state) - 10)
  const title = fit([server ?? 'server', model].filter(Boolean).join(` ${dot} `), room, symbols)
  const between = rule.repeat(Math.max(2, columns - widthOf(title) - widthOf(state) - 8))
  return [
    { text: `${edge} `, style: 'dim' },
    { text: title, style: 'bold' },
    { text: ` ${between} `, style: 'dim' },
    { text: state, style: stateStyles[state] },
    { text: ` ${edge}`, style: 'dim' },
  ]
}

function where({ address, device, uptimeSeconds }: Snapshot, { symbols }: PanelSize): Line {
  const up = uptimeSeconds === undefined ? undefined : `up ${duration(1000 * uptimeSeconds)}`
  return [
    { text: ` ${[address, device === 'none' ? undefined : device, up].filter(Boolean).join(` ${symbols.dot} `)}` },
  ]
}

/** Why it does not simply serve. */
function remark({ state, why }: Snapshot): Line[] {
  if (state === 'ready' || why === '') return []
  const text = state === 'unreachable' ? `${why} Asking again.` : why
  return [[{ text: ` ${text}`, style: stateStyles[state] }]]
}

/** Tokens per second of the last minute as a small chart: one column for each reading, the latest at the right. */
function history({ history: values }: Snapshot, { columns, symbols }: PanelSize): Line[] {
  const shown = values.slice(-Math.max(0, columns - labelColumns - 18))
  const peak = Math.max(0, ...shown)
  if (peak === 0) return []
  const { levels } = symbols
  const chart = shown.map((value) => levels[Math.round((value / peak) * (levels.length - 1))]).join('')
  return [
    [{ text: ` ${'tok/s'.padEnd(labelColumns)} `, style: 'dim' }, { text: chart }, { text: `  peak ${compact(peak)}` }],
  ]
}
