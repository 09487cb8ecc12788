// Flags of `qvl doctor`, as part of the table in flags.ts. What it needs besides is in the tables of other commands.

import type { Flag } from './flag.js'

export const doctorFlags = [
  {
    name: 'json',
    type: 'bool',
    group: 'Input and output',
    help: 'the report as JSON',
    commands: ['doctor'],
  },
] as const satisfies readonly Flag[]
