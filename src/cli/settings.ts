// The effective value of every flag: command line over environment over config file over default.

import { plainArgv } from './argv.js'
import { flagsElsewhere, flagsOf, type OptionValues, parseTokens } from './command-options.js'
import { configArguments, readConfigFile } from './config-file.js'
import type { CommandName, Flag, FlagValue, JsonObject } from './flag.js'
import { environmentName, hasNoEffect } from './flag.js'
import { parseFlagValue } from './flag-value.js'
import type { flags } from './flags.js'

type ValueOf<F> = F extends { type: 'bool' }
  ? boolean
  : F extends { type: 'int' | 'human-int' | 'number' }
    ? number | undefined
    : F extends { type: 'choice'; choices: readonly (infer Choice)[] }
      ? Choice
      : F extends { type: 'json' }
        ? JsonObject | undefined
        : F extends { type: 'list' }
          ? readonly string[]
          : string | undefined

/** One property for each name of the table, whether the command knows it or not. */
export type Settings = { readonly [F in (typeof flags)[number] as F['name']]: ValueOf<F> }

export interface Invocation {
  settings: Settings
  operands: readonly string[]
  /** Remarks for the person about the flags. */
  notes: readonly string[]
}

/** Throws USAGE. */
export async function readSettings(
  command: CommandName,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Invocation> {
  const known = flagsOf(command)
  const elsewhere = flagsElsewhere(command)
  const { tokens, operands, notes } = plainArgv(args, known, elsewhere)
  const fromArgs = parseTokens(tokens, known, (flag) => `--${flag.name}`)
  const fromEnv = environmentValues(known, env)
  const explicit = fromArgs.get('config') ?? fromEnv.get('config')
  const help = fromArgs.get('help') === true
  // Help must work with a broken config file.
  const config = help ? undefined : await readConfigFile(typeof explicit === 'string' ? explicit : undefined, env)
  const layers = [fromArgs, fromEnv]
  if (config !== undefined) {
    const { file, entries } = config
    const plain = plainArgv(configArguments(file, entries, command, { known, elsewhere }), known)
    layers.push(parseTokens(plain.tokens, known, (flag) => `${flag.name} in ${file}`))
  }
  return {
    settings: settle(layers, [...elsewhere, ...known]),
    operands,
    notes: [...notes, ...noEffectNotes(command, known, layers)],
  }
}

function environmentValues(known: readonly Flag[], env: NodeJS.ProcessEnv): OptionValues {
  const values = new Map<string, FlagValue | null>()
  for (const flag of known) {
    const ours = environmentName(flag)
    const name = env[ours] || flag.alsoFrom === undefined ? ours : flag.alsoFrom
    const text = env[name]
    if (flag.argvOnly || text === undefined || text === '') continue
    const value = parseFlagValue(flag, text, name)
    values.set(flag.name, flag.type === 'list' ? [text] : value)
  }
  return values
}

/** Of a name that stands twice in the table, the default of the last of `ordered` counts. */
function settle(layers: readonly OptionValues[], ordered: readonly Flag[]): Settings {
  const values = new Map<string, FlagValue | undefined>()
  for (const flag of ordered) {
    const layer = layers.find((one) => one.has(flag.name))
    values.set(flag.name, layer?.get(flag.name) ?? defaultOf(flag))
  }
  // Each value was parsed by its own flag's type, which is what Settings says.
  return Object.fromEntries(values) as Settings
}

function defaultOf(flag: Flag): FlagValue | undefined {
  if (flag.type === 'list') return []
  if (flag.type === 'bool') return flag.default ?? false
  return flag.type === 'choice' ? flag.default : undefined
}

function noEffectNotes(command: CommandName, known: readonly Flag[], layers: readonly OptionValues[]): string[] {
  return known
    .filter((flag) => hasNoEffect(flag, command) && layers.some((layer) => layer.has(flag.name)))
    .map((flag) => `--${flag.name} has no effect: ${flag.noEffect}.`)
}
