// The flag table as commander options: parsing of plain tokens.

import { Command, Option } from 'commander'
import { type CommandName, type Flag, type FlagValue, isFor } from './flag.js'
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

/** A list keeps all texts; of any other flag the last one counts. */
function lastValue(flag: Flag, texts: readonly string[], origin: Origin): FlagValue | null {
  return flag.type === 'list' ? texts : parseFlagValue(flag, texts.at(-1)!, origin(flag))
}

/** One option, or two for a boolean: `--name` and `--no-name`. commander is given plain forms: full names only. */
function optionsOf(flag: Flag): { flag: Flag; option: Option }[] {
  if (flag.type === 'bool') {
    return [`--${flag.name}`, `--no-${flag.name}`].map((name) => ({ flag, option: new Option(name) }))
  }
  const option = new Option(`--${flag.name} <value>`)
  // Texts are kept as they are: commander would turn a parsed null into an empty text.
  option.argParser((text: string, before: readonly string[] = []) => [...before, text])
  return [{ flag, option }]
}
