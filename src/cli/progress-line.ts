// Lines of progress for a terminal of a given width: a bar, and beside it what there is room for.

import { fit, padded, type Symbols, widthOf } from './panel/line.js'
import { duration } from './progress-text.js'

export interface DownloadState {
  file: string
  received: number
  total: number | undefined
  /** On disk before this download. */
  before: number
  /** Milliseconds on a monotonic clock, and since then. */
  started: number
  ms: number
}

const maxFileColumns = 40
const minFileColumns = 12
/** Of what follows the name, at its usual length. */
const textColumns = 34
const minBarColumns = 10
const maxBarColumns = 30

/** `model.safetensors ██████░░░░  43 %  1.8 of 4.3 GB, 98.1 MB/s, 26 s left`. */
export function downloadLine(state: DownloadState, columns: number, symbols: Symbols): string {
  const { file, received, total } = state
  const parts = [sizes(received, total), ...speedAndRest(state)]
  const forFile = Math.floor((columns - textColumns) / 2)
  const name = padded(file, Math.max(minFileColumns, Math.min(maxFileColumns, forFile)), symbols)
  const share = total === undefined || total === 0 ? 0 : received / total
  return fit(`${name} ${withBar(parts, share, columns - widthOf(name) - 1, symbols)}`, columns, symbols)
}

/** `way` is missing where nobody knows how much will come. */
export function runLine(
  parts: readonly string[],
  share: number | undefined,
  columns: number,
  symbols: Symbols,
): string {
  if (share === undefined) return fit(fitting(parts, columns), columns, symbols)
  return fit(withBar(parts, share, columns, symbols), columns, symbols)
}

/** `██████░░░░` with the share filled. */
export function barOf(share: number, columns: number, { bar: [full, empty] }: Symbols): string {
  const numFull = Math.round(Math.min(1, Math.max(0, share)) * columns)
  return full.repeat(numFull) + empty.repeat(columns - numFull)
}

function withBar(parts: readonly string[], share: number, columns: number, symbols: Symbols): string {
  const percent = `${Math.floor(100 * share)} %`.padStart(5)
  const text = fitting(parts, columns - minBarColumns - widthOf(percent) - 3)
  const room = columns - widthOf(text) - widthOf(percent) - 3
  const bar = barOf(share, Math.max(minBarColumns, Math.min(maxBarColumns, room)), symbols)
  return `${bar} ${percent}  ${text}`
}

/** The first part and the last say most: those between are left out where there is no room, from the end. */
function fitting(parts: readonly string[], columns: number): string {
  const kept = [...parts]
  while (kept.length > 1 && widthOf(kept.join(', ')) > columns) kept.splice(Math.max(1, kept.length - 2), 1)
  return kept.join(', ')
}

function speedAndRest({ received, total, before, ms }: DownloadState): string[] {
  const fetched = received - before
  if (fetched <= 0 || ms <= 0) return []
  const speed = `${sizeText((1000 * fetched) / ms)}/s`
  return total === undefined ? [speed] : [speed, `${duration((ms / fetched) * (total - received))} left`]
}

/** `1.8 of 4.3 GB`, `800.0 MB of 4.3 GB`. */
export function sizes(received: number, total: number | undefined): string {
  if (total === undefined) return sizeText(received)
  const [part, whole] = [sizeText(received), sizeText(total)]
  return part.slice(-2) === whole.slice(-2) ? `${part.slice(0, -3)} of ${whole}` : `${part} of ${whole}`
}

export const sizeText = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
