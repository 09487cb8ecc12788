// Command lines as people and vLLM scripts write them, rewritten to one plain form before commander sees them.

import { QvlError } from '../errors.js'
import { dottedObject, mergeJson } from './dotted.js'
import type { Flag, JsonObject } from './flag.js'
import { isJsonObject, parseFlagValue } from './flag-value.js'
import { nearest } from './nearest.js'

export interface PlainArgv {
  /** `--name=value`, `--name` and `--no-name` only, in full names. */
  tokens: string[]
  operands: string[]
  /** Remarks for the person, such as a key given twice. */
  notes: string[]
}

/** One flag as it was written. */
interface FlagUse {
  flag: Flag
  /** As the person wrote it, for errors. */
  written: string
  /** The value, for flags that take one. */
  text: string
  negated: boolean
  /** The dotted key after the name of a JSON flag. */
  path?: string | undefined
}

/**
 * Underscores become dashes in names, abbreviations become full names, `-qv` becomes two flags, values are joined to
 * their flags, dotted keys of a JSON flag become one object; `--` ends flags. `elsewhere` are flags of other commands,
 * for a better error. Throws USAGE.
 */
export function plainArgv(args: readonly string[], flags: readonly Flag[], elsewhere: readonly Flag[] = []): PlainArgv {
  const uses: FlagUse[] = []
  const operands: string[] = []
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      operands.push(...rest.splice(0))
    } else if (arg === '-' || !arg.startsWith('-')) {
      operands.push(arg)
    } else if (arg.startsWith('--')) {
      const use = longFlag(arg, rest, flags, elsewhere)
      uses.push(use)
      if (use.flag.many) uses.push(...wordsUpToFlag(rest).map((text) => ({ ...use, text })))
    } else {
      uses.push(...shortFlags(arg, rest, flags))
    }
  }
  const { tokens, notes } = asTokens(uses)
  return { tokens, operands, notes }
}

function longFlag(arg: string, rest: string[], flags: readonly Flag[], elsewhere: readonly Flag[]): FlagUse {
  const equals = arg.indexOf('=')
  const head = equals === -1 ? arg : arg.slice(0, equals)
  const given = equals === -1 ? undefined : arg.slice(equals + 1)
  const dot = head.indexOf('.')
  const name = (dot === -1 ? head : head.slice(0, dot)).slice(2).replaceAll('_', '-')
  const path = dot === -1 ? undefined : head.slice(dot + 1)
  const { flag, negated } = resolveName(name, flags, elsewhere)
  if (path !== undefined && flag.type !== 'json') {
    throw usage(`${head} is not a flag.`, `Only JSON flags take dotted keys, and --${flag.name} is not one.`, head)
  }
  if (flag.type !== 'bool') return { flag, written: head, text: valueFor(head, given, rest, flags), negated, path }
  if (given !== undefined) {
    const fix = `Write --${flag.name} or --no-${flag.name}.`
    throw usage(`${head} takes no value.`, 'It is either given or not.', head, fix)
  }
  return { flag, written: head, text: '', negated }
}

/** `-m X`, `-mX`, `-m=X`, `-qv`, and vLLM's two-letter `-tp 2`. */
function shortFlags(arg: string, rest: string[], flags: readonly Flag[]): FlagUse[] {
  const whole = flags.find(({ short }) => short === arg.slice(1).split('=', 1)[0])
  const name = whole?.short ?? arg[1]!
  const flag = whole ?? flags.find(({ short }) => short === name)
  if (flag === undefined) throw unknownFlag(arg, undefined)
  const after = arg.slice(1 + name.length)
  if (flag.type !== 'bool') {
    const given = after === '' ? undefined : after.replace(/^=/, '')
    return [{ flag, written: `-${name}`, text: valueFor(`-${name}`, given, rest, flags), negated: false }]
  }
  const use = { flag, written: `-${name}`, text: '', negated: false }
  return after === '' ? [use] : [use, ...shortFlags(`-${after}`, rest, flags)]
}

function valueFor(written: string, given: string | undefined, rest: string[], flags: readonly Flag[]): string {
  if (given !== undefined) return given
  const next = rest[0]
  const isFlag = next !== undefined && (next.startsWith('--') || flags.some(({ short }) => `-${short}` === next))
  if (next === undefined || isFlag) {
    const why = next === undefined ? 'Nothing follows it.' : `The next word is ${next}.`
    throw usage(
      `${written} needs a value.`,
      why,
      written,
      `A value that begins with a dash is written ${written}=VALUE.`,
    )
  }
  rest.shift()
  return next
}

function wordsUpToFlag(rest: string[]): string[] {
  const end = rest.findIndex((word) => word.startsWith('-'))
  return rest.splice(0, end === -1 ? rest.length : end)
}

/** An exact name, or the only one that begins so. */
function resolveName(name: string, flags: readonly Flag[], elsewhere: readonly Flag[]) {
  const names = new Map<string, { flag: Flag; negated: boolean }>()
  for (const flag of flags) {
    names.set(flag.name, { flag, negated: false })
    if (flag.type === 'bool') names.set(`no-${flag.name}`, { flag, negated: true })
  }
  const exact = names.get(name)
  if (exact !== undefined) return exact
  const candidates = name === '' ? [] : [...names.keys()].filter((candidate) => candidate.startsWith(name))
  if (candidates.length === 1) return names.get(candidates[0]!)!
  if (candidates.length > 1) {
    const list = candidates.map((candidate) => `--${candidate}`).join(', ')
    throw usage(`--${name} is ambiguous.`, `It may mean: ${list}.`, `--${name}`, 'Write more of the name.')
  }
  const others = elsewhere.filter((flag) => flag.name === name)
  if (others.length > 0) {
    const commands = new Set(others.flatMap((flag) => flag.commands ?? []))
    const owners = commands.size === 0 ? 'other commands' : [...commands].map((command) => `qvl ${command}`).join(', ')
    throw usage(`--${name} is not a flag of this command.`, `It belongs to ${owners}.`, `--${name}`, 'Leave it out.')
  }
  throw unknownFlag(`--${name}`, nearest(name, [...names.keys()]))
}

function asTokens(uses: readonly FlagUse[]): { tokens: string[]; notes: string[] } {
  const tokens: string[] = []
  const notes: string[] = []
  const json = new Map<Flag, FlagUse[]>()
  for (const use of uses) {
    const { flag, text, negated } = use
    if (flag.type === 'json') json.set(flag, [...(json.get(flag) ?? []), use])
    else if (flag.type === 'bool') tokens.push(negated ? `--no-${flag.name}` : `--${flag.name}`)
    else tokens.push(`--${flag.name}=${text}`)
  }
  for (const [flag, pieces] of json) {
    const merged = mergePieces(flag, pieces, (key) =>
      notes.push(`Found duplicate keys --${flag.name}.${key}; the last one counts.`),
    )
    tokens.push(`--${flag.name}=${merged === null ? '' : JSON.stringify(merged)}`)
  }
  return { tokens, notes }
}

/** The last whole object, with every dotted key merged over it. */
function mergePieces(flag: Flag, pieces: readonly FlagUse[], onDuplicate: (key: string) => void): JsonObject | null {
  const whole = pieces.findLast(({ path }) => path === undefined)
  const base = whole === undefined ? {} : parseFlagValue(flag, whole.text, whole.written)
  const dotted = pieces.filter(({ path }) => path !== undefined)
  if (base === null && dotted.length === 0) return null
  const over = dotted
    .map(({ path, text, written }) => dottedObject(path!, text, written))
    .reduce((merged, next) => mergeJson(merged, next, onDuplicate), {})
  return mergeJson(isJsonObject(base) ? base : {}, over)
}

function unknownFlag(written: string, near: string | undefined): QvlError {
  const fix = near === undefined ? 'See --help for all flags.' : `Did you mean --${near}?`
  return usage(
    `${written} is not a flag of this command.`,
    'Every flag is checked, so that a typing mistake is not overlooked.',
    written,
    fix,
  )
}

function usage(what: string, why: string, param: string, fix = 'See --help.'): QvlError {
  return new QvlError('USAGE', { what, why, do: fix, param })
}
