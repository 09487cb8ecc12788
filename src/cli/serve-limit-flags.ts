// One flag of `qvl serve` for each limit of the server that has one, as part of the table in flags.ts.

import { type LimitName, type Limits, limitTable } from '../server/limits.js'
import type { CommandName, FlagGroup } from './flag.js'
import type { Settings } from './settings.js'

/** Such as `max-body-bytes`. */
type LimitFlagName = Exclude<(typeof limitTable)[LimitName]['flag'], 'none'>

export interface LimitFlag {
  name: LimitFlagName
  type: 'human-int' | 'number'
  min: number
  max: number
  value: string
  group: FlagGroup
  help: string
  commands: readonly CommandName[]
}

const commands: readonly CommandName[] = ['serve']

export const limitFlags: readonly LimitFlag[] = Object.values(limitTable).flatMap((limit) =>
  limit.flag === 'none' ? [] : [limitFlag(limit, limit.flag)],
)

/** What the flags say; absent where they say nothing. */
export function limitSettings(settings: Settings): { readonly [Name in LimitName]?: Limits[Name] } {
  const given = Object.entries(limitTable).flatMap(([name, { flag }]) =>
    flag === 'none' || settings[flag] === undefined ? [] : [[name, settings[flag]] as const],
  )
  return Object.fromEntries(given)
}

function limitFlag({ what, value, unit, reason }: (typeof limitTable)[LimitName], name: LimitFlagName): LimitFlag {
  const help = `${what} (default ${shown(value, unit)}: ${reason})`
  const base = { name, group: 'Limits' as const, help, commands }
  // Leaving at once makes sense; no time at all for a request does not.
  const min = name === 'drain-delay' || name === 'drain-timeout' ? 0 : 0.001
  if (unit === 'seconds') return { ...base, type: 'number', min, max: 1e6, value: 'SECONDS' }
  return { ...base, type: 'human-int', min: 1, max: 2 ** 50, value: unit === 'bytes' ? 'BYTES' : 'N' }
}

function shown(value: number, unit: string): string {
  if (unit === 'seconds') return `${value} s`
  return unit === 'bytes' ? `${value / 1024 / 1024}M` : String(value)
}
