// Help of one command for a terminal of 80 columns: examples first, flags by group, exit codes last.

import { flagsOf } from './command-options.js'
import { type CommandName, environmentName, type Flag, type FlagGroup, flagGroups, hasNoEffect } from './flag.js'
import type { CommandText } from './help-texts.js'

const pageWidth = 80
/** Where the text about a flag begins; a longer flag has a line to itself. */
const textColumn = 27

const aboutFlags =
  'Each flag has a variable (--max-model-len is QVL_MAX_MODEL_LEN) and a key of the config file (max-model-len). ' +
  'The command line counts before the environment, and that before the file. Names may be shortened while they are unique.'

export function helpPage(command: CommandName, { usage, summary, examples, notes, exits }: CommandText): string {
  const parts = [
    `Usage: ${['qvl', command, usage].join(' ').trimEnd()}`,
    section('Examples', examples),
    summary,
    ...flagGroups.flatMap((group) => groupSection(command, group) ?? []),
    ...acceptedSection(command),
    ...(notes === undefined ? [] : [notes]),
    wrapped(aboutFlags, pageWidth).join('\n'),
    section('Exit codes', exits),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Those that the page of a command has. */
export const groupsOf = (command: CommandName): FlagGroup[] =>
  flagGroups.filter((group) => groupSection(command, group) !== undefined)

/** The flags of one group. */
export const groupHelp = (command: CommandName, group: FlagGroup): string => `${groupSection(command, group) ?? ''}\n`

/** Everything about one flag. */
export function flagHelp(flag: Flag): string {
  const facts = [
    ...(flag.type === 'choice' ? [`choices: ${flag.choices.join(', ')}`] : []),
    ...('min' in flag ? [`range: ${flag.min} to ${flag.max}`] : []),
    ...(defaultText(flag) === undefined ? [] : [`default: ${defaultText(flag)}`]),
    ...(flag.argvOnly ? [] : [`variable: ${variablesOf(flag).join(', or ')}`, `config file: ${flag.name}`]),
    ...(flag.noEffect === undefined ? [] : [`no effect: ${flag.noEffect}`]),
  ]
  return `${[...entry(flag), ...facts.map((fact) => `${' '.repeat(textColumn)}${fact}`)].join('\n')}\n`
}

/** As help shows it: the form that changes something. */
export const shownName = (flag: Flag): string =>
  flag.type === 'bool' && flag.default ? `--no-${flag.name}` : `--${flag.name}`

/** What stands for the value: its name, or the choices. */
export function valueName(flag: Flag): string | undefined {
  if (flag.type === 'bool') return undefined
  return flag.value ?? (flag.type === 'choice' ? flag.choices.join('|') : 'VALUE')
}

export function defaultText(flag: Flag): string | undefined {
  if (flag.type === 'choice') return flag.default
  return flag.type === 'bool' ? (flag.default ? 'on' : 'off') : undefined
}

export const variablesOf = (flag: Flag): string[] =>
  flag.argvOnly ? [] : [environmentName(flag), ...(flag.alsoFrom === undefined ? [] : [flag.alsoFrom])]

const section = (title: string, lines: readonly string[]): string =>
  [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n')

function groupSection(command: CommandName, group: FlagGroup): string | undefined {
  const shown = flagsOf(command).filter((flag) => flag.group === group && !hasNoEffect(flag, command))
  return shown.length === 0 ? undefined : [`${group}:`, ...shown.flatMap(entry)].join('\n')
}

function entry(flag: Flag): string[] {
  const short = flag.short === undefined ? '' : `-${flag.short}, `
  const term = ['', `${short}${shownName(flag)}`, ...(valueName(flag) ?? '').split(' ')].join(' ').trimEnd()
  const note = flag.type === 'choice' ? ` (default ${flag.default})` : ''
  const [first = '', ...rest] = wrapped(flag.help + note, pageWidth - textColumn)
  const indent = ' '.repeat(textColumn)
  const head = ` ${term}`
  const begun = head.length + 2 > textColumn ? [head, indent + first] : [head.padEnd(textColumn) + first]
  return [...begun, ...rest.map((line) => indent + line)]
}

function acceptedSection(command: CommandName): string[] {
  const names = flagsOf(command)
    .filter((flag) => hasNoEffect(flag, command))
    .map(shownName)
  if (names.length === 0) return []
  const lines = wrapped(names.join(' '), pageWidth - 2).map((line) => `  ${line}`)
  return [['Accepted from vLLM command lines, without effect:', ...lines].join('\n')]
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
