// Answers to --query and --text as a table on a terminal.

import { rank } from '../api/rerank.js'
import { paint } from './terminal.js'

interface Layout {
  /** Width of the terminal. */
  columns: number
  color: boolean
}

/** Documents, best first. */
export function scoreTable(
  { documents, scores, topN }: { documents: readonly string[]; scores: readonly number[]; topN: number | undefined },
  layout: Layout,
): string {
  const rows = rank(scores, topN).map(({ index, score }) => [score.toFixed(4), documents[index]!])
  return table(['score', 'document'], rows, layout)
}

/** Texts with the first numbers of their vectors. */
export function vectorTable(rows: readonly { text: string; vector: Float32Array }[], layout: Layout): string {
  const width = rows[0]?.vector.length ?? 0
  const lines = rows.map(({ text, vector }) => {
    const first = Array.from(vector.subarray(0, numShown), (value) => value.toFixed(4).padStart(7))
    return [`${first.join(' ')}${vector.length > numShown ? ' ...' : ''}`, text]
  })
  return table([`vector of ${width} numbers`, 'text'], lines, layout)
}

const numShown = 6

/** Two columns; the second is cut to the terminal. */
function table(header: readonly [string, string], rows: readonly (readonly string[])[], layout: Layout): string {
  const first = Math.max(...[header, ...rows].map(([cell]) => cell!.length))
  const rest = Math.max(layout.columns - first - 2, 20)
  const line = (cells: readonly string[]): string => `${cells[0]!.padEnd(first)}  ${oneLine(cells[1]!, rest)}`
  return [paint(line(header), 'bold', layout.color), ...rows.map(line), ''].join('\n')
}

function oneLine(text: string, width: number): string {
  // Control characters would break the line or command the terminal.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  const flat = [...text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')]
  return flat.length <= width ? flat.join('') : `${flat.slice(0, width - 3).join('')}...`
}
