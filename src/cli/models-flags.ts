// The flags of `qvl models`, `qvl config` and `qvl completion` alone, as part of the table in flags.ts.

import { type CommandName, type Flag, modelsCommandNames } from './flag.js'

const listing: readonly CommandName[] = [...modelsCommandNames, 'config']

export const modelsFlags = [
  {
    name: 'for',
    type: 'string',
    value: 'COMMAND',
    group: 'Shown',
    help: 'the command whose settings are shown (default serve)',
    commands: ['config'],
    argvOnly: true,
  },
  {
    name: 'json',
    type: 'bool',
    group: 'Shown',
    help: 'JSON instead of text for people',
    commands: listing,
    argvOnly: true,
  },
  {
    name: 'yes',
    short: 'y',
    type: 'bool',
    group: 'Cache',
    help: 'remove without asking',
    commands: ['models remove'],
    argvOnly: true,
  },
] as const satisfies readonly Flag[]
