// The effective value of every flag: command line over environment over config file over default.

import { plainArgv } from './argv.js'
import { flagsElsewhere, flagsOf, type OptionValues, parseTokens } from './command-options.js'
import { type ConfigFile, configArguments, readConfigFile } from './config-file.js'
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

/** Where values were given, and what each place says. */
export interface Layers {
  /** By precedence: command line, environment, config file. */
  values: Record<'argv' | 'env' | 'file', OptionValues>
  config: ConfigFile | undefined
  operands: readonly string[]
  notes: readonly string[]
}

/** Throws USAGE. */
export async function readSettings(
  command: CommandName,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Invocation> {
  const { values, operands, notes } = await readLayers(command, args, env)
  const layers = [values.argv, values.env, values.file]
  const known = flagsOf(command)
  return {
    settings: settle(layers, [...flagsElsewhere(command), ...known]),
    operands,
    notes: [...notes, ...noEffectNotes(command, known, layers)],
  }
}

/** `onUnknownKey` is told of keys of the config file that are no flags; without it they are refused. Throws USAGE. */
export async function readLayers(
  command: CommandName,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onUnknownKey?: (key: string) => void,
): Promise<Layers> {
  const known = flagsOf(command)
  const elsewhere = flagsElsewhere(command)
  const { tokens, operands, notes } = plainArgv(args, known, elsewhere)
  const argv = parseTokens(tokens, known, (flag) => `--${flag.name}`)
  const fromEnv = environmentValues(known, env)
  const explicit = argv.get('config') ?? fromEnv.get('config')
  // Help must work with a broken config file, and qvl config has to say what is wrong with one.
  const skipped = argv.get('help') === true || command === 'config'
  const config = skipped ? undefined : await readConfigFile(typeof explicit === 'string' ? explicit : undefined, env)
  let file: OptionValues = new Map()
  if (config !== undefined) {
    const tables = { known, elsewhere, onUnknownKey }
    const plain = plainArgv(configArguments(config.file, config.entries, command, tables), known)
    file = parseTokens(plain.tokens, known, (flag) => `${flag.name} in ${config.file}`)
  }
  return { values: { argv, env: fromEnv, file }, config, operands, notes }
}

function environmentValues(known: readonly Flag[], env: NodeJS.ProcessEnv): OptionValues {
  const values = new Map<string, FlagValue | null>()
  for (const flag of known) {
    const name = variableOf(flag, env)
    const text = env[name]
    if (flag.argvOnly || text === undefined || text === '') continue
    const value = parseFlagValue(flag, text, name)
    values.set(flag.name, flag.type === 'list' ? [text] : value)
  }
  return values
}

/** The variable that counts for a flag. */
export function variableOf(flag: Flag, env: NodeJS.ProcessEnv): string {
  const ours = environmentName(flag)
  return env[ours] || flag.alsoFrom === undefined ? ours : flag.alsoFrom
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

export function defaultOf(flag: Flag): FlagValue | undefined {
  if (flag.type === 'list') return []
  if (flag.type === 'bool') return flag.default ?? false
  return flag.type === 'choice' ? flag.default : undefined
}

function noEffectNotes(command: CommandName, known: readonly Flag[], layers: readonly OptionValues[]): string[] {
  return known
    .filter((flag) => hasNoEffect(flag, command) && layers.some((layer) => layer.has(flag.name)))
    .map((flag) => `--${flag.name} has no effect: ${flag.noEffect}.`)
}
