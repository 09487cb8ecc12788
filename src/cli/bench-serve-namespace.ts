// The first line of a run, which vLLM prints too: every flag with the value that holds, as Python shows a namespace.

import { floatRepr, pythonRepr } from '../bench/python.js'
import type { BenchServeSettings } from './bench-serve-defaults.js'
import { flagsOf } from './command-options.js'
import { type Flag, type FlagGroup, type FlagValue, hasNoEffect } from './flag.js'

const shownGroups: readonly FlagGroup[] = ['Benchmark', 'Target', 'Load', 'Data', 'Report', 'Model']

export function namespaceLine(settings: BenchServeSettings): string {
  const values = new Map<string, FlagValue | undefined>(Object.entries(settings))
  const shown = flagsOf('bench serve').filter(
    (flag) => shownGroups.includes(flag.group) && !hasNoEffect(flag, 'bench serve'),
  )
  return `Namespace(${shown.map((flag) => assignment(flag, values.get(flag.name))).join(', ')})`
}

function assignment(flag: Flag, value: FlagValue | undefined): string {
  const name = flag.name.replaceAll('-', '_')
  if (flag.type === 'bool') return flag.default ? `no_${name}=${word(!value)}` : `${name}=${word(value === true)}`
  if (value === undefined || (flag.type === 'list' && Array.isArray(value) && value.length === 0)) return `${name}=None`
  if (flag.type === 'number' && typeof value === 'number') return `${name}=${floatRepr(value)}`
  if (flag.name === 'header' && Array.isArray(value)) return `${name}=${pythonRepr(value.map(withoutSecret))}`
  // What is left is what came out of JSON or was written as text.
  return `${name}=${typeof value === 'object' && !Array.isArray(value) ? pythonRepr(JSON.stringify(value)) : simple(value)}`
}

const simple = (value: FlagValue): string =>
  Array.isArray(value) ? pythonRepr(value.map(String)) : pythonRepr(typeof value === 'number' ? value : String(value))

const word = (value: boolean): string => (value ? 'True' : 'False')

/** Output is kept in logs. */
function withoutSecret(header: string): string {
  const [name = ''] = header.split('=', 1)
  return /auth|key|token|cookie/i.test(name) ? `${name}=***` : header
}
