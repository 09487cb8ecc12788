// The report as text: one line for each thing, in columns, no wider than a terminal.

import { paint, printable } from '../terminal.js'
import type { Check } from './check.js'

export interface Verdict {
  version: string
  device: string
  works: boolean
  checks: readonly Check[]
}

const maxColumns = 80
/** Of the state and the name before what was found. */
const stateWidth = 8
const nameWidth = 10
const styles = { ok: undefined, note: 'yellow', no: 'red' } as const

export function reportText({ version, device, works, checks }: Verdict, color: boolean): string {
  const lines = [`qvl ${version}`]
  let group: string | undefined
  for (const check of checks) {
    if (check.group !== group) lines.push('', paint(check.group, 'bold', color))
    group = check.group
    lines.push(...checkLines(check, color))
  }
  const end = works ? `The device ${device} works.` : `The device ${device} does not work here.`
  return [...lines, '', paint(end, works ? 'bold' : 'red', color), ''].join('\n')
}

function checkLines({ state, name, found, do: todo }: Check, color: boolean): string[] {
  const style = styles[state]
  const mark = state.padEnd(stateWidth - 2)
  const [first = '', ...more] = wrap(printable(found))
  const margin = ' '.repeat(stateWidth + nameWidth)
  return [
    `  ${style === undefined ? mark : paint(mark, style, color)}${name.padEnd(nameWidth)}${first}`,
    ...more.map((text) => margin + text),
    ...(todo === undefined ? [] : wrap(printable(todo)).map((text) => margin + paint(text, 'dim', color))),
  ]
}

/** A word that is longer than a line, such as a path, stays whole. */
function wrap(text: string): string[] {
  const width = maxColumns - stateWidth - nameWidth
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
