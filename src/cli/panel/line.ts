// Lines of styled pieces, cut to the columns of a terminal.

import { paint, printable, type Style } from '../terminal.js'

export interface Piece {
  text: string
  style?: Style | undefined
}

export type Line = readonly Piece[]

export interface LineOptions {
  columns: number
  color: boolean
  symbols: Symbols
}

/** What is drawn besides letters; the plain forms are for terminals that do not speak UTF-8. */
export interface Symbols {
  rule: string
  dot: string
  times: string
  cut: string
  done: string
  /** Of a bar: its full and its empty part. */
  bar: readonly [string, string]
  /** From low to high. */
  levels: readonly string[]
  spinner: readonly string[]
}

export const richSymbols: Symbols = {
  rule: '─',
  dot: '·',
  times: '×',
  cut: '…',
  done: '✓',
  bar: ['█', '░'],
  levels: [...'▁▂▃▄▅▆▇█'],
  spinner: [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'],
}

export const plainSymbols: Symbols = {
  rule: '-',
  dot: '|',
  times: 'x',
  cut: '~',
  done: '*',
  bar: ['=', '-'],
  levels: [...' .:-=+*#'],
  spinner: [...'|/-\\'],
}

/** By the locale, as C programs decide it. */
export function symbolsFor(env: NodeJS.ProcessEnv): Symbols {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return /utf-?8/i.test(locale) || process.platform !== 'linux' ? richSymbols : plainSymbols
}

/** The line as text, no wider than the terminal. */
export function lineText(line: Line, { columns, color, symbols }: LineOptions): string {
  let left = columns
  const pieces = line.map(({ text, style }): Piece => {
    const fitting = fit(printable(text), left, symbols)
    left -= widthOf(fitting)
    return { text: fitting, style }
  })
  return withoutEnd(pieces)
    .map(({ text, style }) => (style === undefined ? text : paint(text, style, color)))
    .join('')
}

/** Spaces at the end would make a line wrap in a narrower terminal. */
function withoutEnd(pieces: readonly Piece[]): Line {
  const last = pieces.findLastIndex(({ text }) => text.trimEnd() !== '')
  return pieces
    .slice(0, last + 1)
    .map((piece, index) => (index < last ? piece : { ...piece, text: piece.text.trimEnd() }))
}

/** Cut where it would be wider than `columns`, with a mark that says so. */
export function fit(text: string, columns: number, { cut }: Pick<Symbols, 'cut'>): string {
  if (widthOf(text) <= columns) return text
  if (columns < 1) return ''
  let kept = ''
  let left = columns - 1
  for (const { segment } of graphemes(text)) {
    left -= widthOf(segment)
    if (left < 0) break
    kept += segment
  }
  return kept + cut
}

/** Filled with spaces up to `columns`, or cut. */
export function padded(text: string, columns: number, symbols: Symbols): string {
  const fitting = fit(text, columns, symbols)
  return fitting + ' '.repeat(Math.max(0, columns - widthOf(fitting)))
}

export const lineWidth = (line: Line): number => line.reduce((sum, { text }) => sum + widthOf(printable(text)), 0)

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes(text)) width += isZero(segment) ? 0 : isWide(segment) ? 2 : 1
  return width
}

const graphemes = (text: string): Iterable<{ segment: string }> => new Intl.Segmenter().segment(text)

const isZero = (grapheme: string): boolean => /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u.test(grapheme)

/** Pictures, and what Unicode's East Asian Width calls wide. */
const isWide = (grapheme: string): boolean =>
  /\p{Emoji_Presentation}|\ufe0f|^[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u.test(
    grapheme,
  )
