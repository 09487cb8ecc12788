// The flag table as commander options: parsing of plain tokens, and help.

import { Command, Option } from 'commander'
import { type CommandName, type Flag, type FlagValue, flagGroups, hasNoEffect, isFor } from './flag.js'
import { parseFlagValue } from './flag-value.js'
import { flags } from './flags.js'

export type OptionValues = ReadonlyMap<string, FlagValue | null>

/** Where a value came from, for errors about it. */
export type Origin = (flag: Flag) => string

export const flagsOf = (command: CommandName): Flag[] => flags.filter((flag) => isFor(flag, command))

export const flagsElsewhere = (command: CommandName): Flag[] => flags.filter((flag) => !isFor(flag, command))

/** The values of tokens in plain form (argv.ts), by flag name. Throws USAGE. */
export function parseTokens(tokens: readonly string[], known: readonly Flag[], origin: Origin): OptionValues {
  const command = new Command().helpOption(false).exitOverride()
  const options = known.flatMap(optionsOf)
  for (const { option } of options) command.addOption(option)
  command.parse([...tokens], { from: 'user' })
  const values = new Map<string, FlagValue | null>()
  for (const { flag, option } of options) {
    const given: boolean | readonly string[] | undefined = command.getOptionValue(option.attributeName())
    if (given !== undefined) values.set(flag.name, typeof given === 'boolean' ? given : lastValue(flag, given, origin))
  }
  return values
}

/** Help of one command, grouped. */
export function commandHelp(name: CommandName, about: { usage: string; summary: string; after: string }): string {
  const command = new Command(`qvl ${name}`).usage(about.usage).description(about.summary).helpOption(false)
  command.configureHelp({ helpWidth: 100 })
  const known = flagsOf(name)
  for (const group of flagGroups) {
    for (const flag of known.filter((one) => one.group === group && !hasNoEffect(one, name))) {
      for (const { option, hidden } of optionsOf(flag)) {
        command.addOption(option.helpGroup(`${group}:`).hideHelp(hidden))
      }
    }
  }
  const accepted = known
    .filter((flag) => hasNoEffect(flag, name))
    .map((flag) => optionsOf(flag).find(({ hidden }) => !hidden)!.option.long!)
  return `${command.helpInformation()}\nAccepted from vLLM command lines, without effect:\n${wrap(accepted, 98)}\n\n${about.after}`
}

/** A list keeps all texts; of any other flag the last one counts. */
function lastValue(flag: Flag, texts: readonly string[], origin: Origin): FlagValue | null {
  return flag.type === 'list' ? texts : parseFlagValue(flag, texts.at(-1)!, origin(flag))
}

/** One option, or two for a boolean: `--name` and `--no-name`. Help shows the one that changes something. */
function optionsOf(flag: Flag): { flag: Flag; option: Option; hidden: boolean }[] {
  if (flag.type === 'bool') {
    const short = flag.short === undefined ? '' : `-${flag.short}, `
    const on = new Option(`${short}--${flag.name}`, flag.help)
    const off = new Option(`--no-${flag.name}`, flag.help)
    return [
      { flag, option: on, hidden: flag.default === true },
      { flag, option: off, hidden: flag.default !== true },
    ]
  }
  const metavar = flag.value ?? (flag.type === 'choice' ? flag.choices.join('|') : 'VALUE')
  // commander knows one-letter short forms only; the plain form has none of the others left.
  const short = flag.short?.length === 1 ? `-${flag.short}, ` : ''
  const note = flag.type === 'choice' ? ` (default ${flag.default})` : ''
  const option = new Option(`${short}--${flag.name} <${metavar}>`, flag.help + note)
  // Texts are kept as they are: commander would turn a parsed null into an empty text.
  option.argParser((text: string, before: readonly string[] = []) => [...before, text])
  return [{ flag, option, hidden: false }]
}

function wrap(words: readonly string[], width: number): string {
  const lines = ['']
  for (const word of words) {
    if (lines.at(-1)!.length + word.length + 2 > width) lines.push('')
    lines.push(`${lines.pop()}  ${word}`)
  }
  return lines.join('\n')
}
