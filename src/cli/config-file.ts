// The YAML config file: found, read, and turned into the flags it stands for.

import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { QvlError } from '../errors.js'
import { errorCode } from '../offline/file-errors.js'
import { type CommandName, commandNames, type Flag, type JsonObject } from './flag.js'
import { isJsonObject } from './flag-value.js'
import { nearest } from './nearest.js'

/** Large for a list of flags, small for memory. */
const maxConfigBytes = 1024 * 1024

export interface ConfigFile {
  file: string
  text: string
  entries: JsonObject
}

/**
 * The entries of the config file: `explicit` if there is one, else the default file if it exists.
 * Throws USAGE for a file that cannot be read or is not a map.
 */
export async function readConfigFile(
  explicit: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<ConfigFile | undefined> {
  const file = explicit ?? defaultConfigFile(env)
  if (!/\.ya?ml$/.test(file)) throw invalid(file, 'Its name does not end in .yaml or .yml.')
  const text = await readText(file, explicit === undefined)
  if (text === undefined) return undefined
  const entries = await parseYaml(file, text)
  if (entries === null || entries === undefined) return { file, text, entries: {} }
  if (!isJsonObject(entries)) throw invalid(file, 'It is not a map of flag names to values.')
  return { file, text, entries }
}

const defaultConfigFile = (env: NodeJS.ProcessEnv): string =>
  path.join(env.XDG_CONFIG_HOME || path.join(env.HOME || homedir(), '.config'), 'qvl', 'config.yaml')

interface FlagTables {
  known: readonly Flag[]
  /** Flags of other commands. */
  elsewhere: readonly Flag[]
  /** Told of keys that are no flags, which are refused otherwise. */
  onUnknownKey?: ((key: string) => void) | undefined
}

/**
 * The entries as arguments: `true` is `--key`, `false` is `--no-key`, a list repeats the flag, a map is JSON. A key that
 * names a command holds entries for that command only. Flags of other commands are passed over, unknown ones are not.
 */
export function configArguments(file: string, entries: JsonObject, command: CommandName, tables: FlagTables): string[] {
  const args: string[] = []
  const own: string[] = []
  for (const [key, value] of Object.entries(entries)) {
    const section = commandNames.find((name) => name === key)
    if (section !== undefined && isJsonObject(value)) {
      if (section === command) own.push(...configArguments(file, value, command, tables))
      continue
    }
    const name = key.split('.', 1)[0]!.replaceAll('_', '-')
    const flag = name === 'config' ? undefined : tables.known.find((one) => one.name === name && !one.argvOnly)
    if (flag !== undefined) args.push(...entryArguments(file, key, value, flag))
    else if (!tables.elsewhere.some((one) => one.name === name)) {
      if (tables.onUnknownKey === undefined) throw unknownKey(file, key, tables.known)
      tables.onUnknownKey(key)
    }
  }
  return [...args, ...own]
}

function entryArguments(file: string, key: string, value: unknown, flag: Flag): string[] {
  if (value === null) return []
  if (typeof value === 'boolean' && flag.type === 'bool') return [value ? `--${flag.name}` : `--no-${flag.name}`]
  if (typeof value === 'boolean' && flag.type !== 'json') {
    // vLLM drops `false` of a flag without a --no- form.
    if (!value) return []
    throw invalid(file, `${key} is true, and --${flag.name} takes a value.`)
  }
  if (flag.type === 'bool') throw invalid(file, `${key} is neither true nor false.`)
  if (Array.isArray(value) && flag.type === 'list') return value.map((item) => `--${key}=${scalar(file, key, item)}`)
  if (typeof value === 'object') return [`--${key}=${JSON.stringify(value)}`]
  return [`--${key}=${scalar(file, key, value)}`]
}

function scalar(file: string, key: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalid(file, `${key} holds something that is no text and no number.`)
}

async function readText(file: string, optional: boolean): Promise<string | undefined> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    const code = errorCode(error)
    if (optional && code === 'ENOENT') return undefined
    throw invalid(file, unreadableReasons[code ?? ''] ?? 'It cannot be read.', error)
  }
  if (bytes.length > maxConfigBytes) throw invalid(file, `It is larger than ${maxConfigBytes} bytes.`)
  return bytes.toString('utf8')
}

const unreadableReasons: Readonly<Record<string, string | undefined>> = {
  ENOENT: 'It does not exist.',
  // As for a user who was given the HOME of another.
  EACCES: 'This user may not read it, or a folder on the way to it; HOME and XDG_CONFIG_HOME say where it is.',
}

/** Most people have no config file, and loading the parser takes a fifth of the time that `qvl --help` takes. */
async function parseYaml(file: string, text: string): Promise<unknown> {
  const { parse, YAMLParseError } = await import('yaml')
  try {
    return parse(text, { maxAliasCount: 100 })
  } catch (error) {
    const [place] = (error instanceof YAMLParseError && error.linePos) || []
    throw invalid(file, place === undefined ? 'It is not YAML.' : `It is not YAML: see line ${place.line}.`, error)
  }
}

function unknownKey(file: string, key: string, known: readonly Flag[]): QvlError {
  const near = nearest(
    key.replaceAll('_', '-'),
    known.map(({ name }) => name),
  )
  return invalid(file, `${key} is not a flag.${near === undefined ? '' : ` Did you mean ${near}?`}`)
}

function invalid(file: string, why: string, cause?: unknown): QvlError {
  return new QvlError('USAGE', {
    what: `The config file ${file} is not usable.`,
    why,
    do: 'Correct the file, or name another with --config.',
    param: '--config',
    cause,
  })
}
