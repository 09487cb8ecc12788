// `qvl config`: every setting that a command would have here, and where it comes from.

import { exitCode, QvlError } from '../errors.js'
import { flagsOf } from './command-options.js'
import type { ConfigFile } from './config-file.js'
import type { Context } from './context.js'
import { type CommandName, commandNames, type Flag, type FlagValue, hasNoEffect, isSecret } from './flag.js'
import { nearest } from './nearest.js'
import { defaultOf, type Layers, readLayers, variableOf } from './settings.js'
import { configPage } from './show-config-page.js'
import { writeTo } from './write-to.js'

export interface Setting {
  name: string
  group: Flag['group']
  /** Null where nothing was given and there is no default. */
  value: FlagValue | null
  source: 'flag' | 'variable' | 'file' | 'default'
  /** `--port`, `QVL_PORT`, `config.yaml:3`; absent for defaults. */
  from?: string
}

export interface Shown {
  command: CommandName
  /** The config file that was read, if there was one. */
  file: string | null
  settings: readonly Setting[]
  /** Variables of other programs that count too. */
  variables: readonly { name: string; value: string }[]
  unknown_keys: readonly { key: string; line: number | null; did_you_mean: string | null }[]
}

const hidden = '(hidden)'

/** Read beside those of the flags: where models are, whose token, which keys. */
const otherVariables = [
  ...['HF_HOME', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_ENDPOINT', 'HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE'],
  ...['TRANSFORMERS_OFFLINE', 'VLLM_USE_MODELSCOPE', 'MODELSCOPE_CACHE', 'MODELSCOPE_ENDPOINT', 'MODELSCOPE_API_TOKEN'],
  ...['QVL_CACHE', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'VLLM_API_KEY', 'OPENAI_API_KEY', 'NO_COLOR', 'FORCE_COLOR'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
]

/** Returns the exit code: 2 where the command would refuse the config file. Throws USAGE. */
export async function showConfig({ settings, operands, stdout, terminal }: Context): Promise<number> {
  const command = commandOf(settings.for)
  const unknown: string[] = []
  const { env } = process
  const layers = await readLayers(command, operands, env, (key) => unknown.push(key))
  const lines = await linesOf(layers.config)
  const known = flagsOf(command).filter((flag) => !flag.argvOnly)
  const shown: Shown = {
    command,
    file: layers.config?.file ?? null,
    settings: known.flatMap((flag) => settingOf(flag, { command, layers, lines, env }) ?? []),
    variables: otherVariables.flatMap((name) => (env[name] ? [{ name, value: redacted(name, env[name]) }] : [])),
    unknown_keys: unknown.map((key) => ({
      key,
      line: lines.get(`${command}/${key}`) ?? lines.get(key) ?? null,
      did_you_mean:
        nearest(
          key.replaceAll('_', '-'),
          known.map(({ name }) => name),
        ) ?? null,
    })),
  }
  const text = settings.json ? `${JSON.stringify(shown)}\n` : configPage(shown, known, terminal.stdout.color)
  await writeTo(stdout, text)
  return unknown.length === 0 ? exitCode.ok : exitCode.usage
}

/** The parser of YAML is loaded only where there is a file. */
async function linesOf(config: ConfigFile | undefined): Promise<ReadonlyMap<string, number>> {
  if (config === undefined) return new Map()
  const { keyLines } = await import('./config-lines.js')
  return keyLines(config.text)
}

function commandOf(name = 'serve'): CommandName {
  const command = commandNames.find((one) => one === name)
  if (command !== undefined) return command
  const near = nearest(name, commandNames)
  throw new QvlError('USAGE', {
    what: `There is no command ${JSON.stringify(name)}.`,
    why: `The commands are: ${commandNames.join(', ')}.`,
    do: near === undefined ? 'Name one of them with --for.' : `Did you mean --for ${JSON.stringify(near)}?`,
    param: '--for',
  })
}

interface Places {
  command: CommandName
  layers: Layers
  lines: ReadonlyMap<string, number>
  env: NodeJS.ProcessEnv
}

/** Undefined for flags without effect that nobody gave. */
function settingOf(flag: Flag, { command, layers, lines, env }: Places): Setting | undefined {
  const { values, config, operands } = layers
  const { name, group } = flag
  const given = (value: FlagValue | null): FlagValue | null =>
    isSecret(flag) && value !== null ? hidden : plain(value)
  const [operand] = operands
  if (name === 'model' && command === 'serve' && operand !== undefined) {
    return { name, group, value: operand, source: 'flag', from: 'MODEL' }
  }
  if (values.argv.has(name)) {
    return { name, group, value: given(values.argv.get(name)!), source: 'flag', from: `--${name}` }
  }
  if (values.env.has(name)) {
    return { name, group, value: given(values.env.get(name)!), source: 'variable', from: variableOf(flag, env) }
  }
  if (values.file.has(name)) {
    const line = lineOf(name, command, lines)
    const from = line === undefined ? config!.file : `${config!.file}:${line}`
    return { name, group, value: given(values.file.get(name)!), source: 'file', from }
  }
  if (hasNoEffect(flag, command)) return undefined
  return { name, group, value: defaultOf(flag) ?? null, source: 'default' }
}

/** The last of the lines that set a flag counts; those in the command's section come after the others. */
function lineOf(name: string, command: CommandName, lines: ReadonlyMap<string, number>): number | undefined {
  const ofKey = (prefix: string): number | undefined =>
    [...lines].findLast(([key]) => {
      if (!key.startsWith(prefix)) return false
      return key.slice(prefix.length).split('.', 1)[0]!.replaceAll('_', '-') === name
    })?.[1]
  return ofKey(`${command}/`) ?? ofKey('')
}

/** Passwords in addresses stay out of sight. */
const plain = (value: FlagValue | null): FlagValue | null =>
  typeof value === 'string' ? withoutPassword(value) : Array.isArray(value) ? value.map(withoutPassword) : value

const withoutPassword = (text: string): string => text.replace(/:\/\/[^/@\s]+@/g, `://${hidden}@`)

const redacted = (name: string, value: string): string => (/(TOKEN|KEY)$/.test(name) ? hidden : withoutPassword(value))
