// The settings of a command as text for people.

import { type Flag, flagGroups, impliedDefault } from './flag.js'
import type { Setting, Shown } from './show-config.js'
import { paint } from './terminal.js'

export function configPage(shown: Shown, known: readonly Flag[], color: boolean): string {
  const file = shown.file === null ? 'no config file' : `config file ${shown.file}`
  const blocks = [`Settings of qvl ${shown.command}, ${file}`]
  const flagNamed = new Map(known.map((flag) => [flag.name, flag]))
  const rows = shown.settings.map((setting) => ({
    ...setting,
    cells: [setting.name, textOf(setting, flagNamed.get(setting.name)), setting.from ?? 'default'] as const,
  }))
  const widths = [0, 1].map((column) => Math.max(...rows.map(({ cells }) => Math.min(cells[column]!.length, maxWidth))))
  const line = (cells: readonly [string, string, string], isGiven: boolean): string => {
    const [name, value, from] = cells
    const text = `  ${name.padEnd(widths[0]!)}  ${value.padEnd(widths[1]!)}  ${from}`
    return isGiven ? paint(text, 'bold', color) : text
  }
  for (const group of flagGroups) {
    const own = rows.filter((row) => row.group === group)
    if (own.length > 0)
      blocks.push([`${group}:`, ...own.map((row) => line(row.cells, row.source !== 'default'))].join('\n'))
  }
  if (shown.variables.length > 0) {
    const width = Math.max(...shown.variables.map(({ name }) => name.length))
    blocks.push(
      ['Variables:', ...shown.variables.map(({ name, value }) => `  ${name.padEnd(width)}  ${value}`)].join('\n'),
    )
  }
  if (shown.unknown_keys.length > 0) blocks.push(unknownText(shown))
  return `${blocks.join('\n\n')}\n`
}

/** A longer value pushes the next column aside. */
const maxWidth = 34

function textOf({ value, source }: Setting, flag: Flag | undefined): string {
  const nothing = value === null || (Array.isArray(value) && value.length === 0)
  if (nothing) return (source === 'default' && flag !== undefined ? impliedDefault(flag) : undefined) ?? '-'
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (Array.isArray(value)) return value.join(' ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function unknownText({ command, file, unknown_keys }: Shown): string {
  const lines = unknown_keys.map(({ key, line, did_you_mean }) => {
    const place = line === null ? '' : ` (line ${line})`
    return `  ${key}${place}${did_you_mean === null ? '' : `: did you mean ${did_you_mean}?`}`
  })
  return [`Keys of ${file} that are no flags, so that qvl ${command} would refuse it:`, ...lines].join('\n')
}
