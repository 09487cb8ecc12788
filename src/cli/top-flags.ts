// The flags of qvl top, as part of the table in flags.ts.

import type { CommandName, Flag } from './flag.js'

const commands: readonly CommandName[] = ['top']

export const topFlags = [
  {
    name: 'interval',
    type: 'number',
    min: 0.1,
    max: 3600,
    value: 'S',
    group: 'Target',
    help: 'seconds between two looks (default 1)',
    commands,
  },
  {
    name: 'api-key-file',
    type: 'string',
    value: 'FILE',
    group: 'Target',
    help: 'the key of the server is its first line (also VLLM_API_KEY)',
    commands,
  },
  { name: 'insecure', type: 'bool', group: 'Target', help: 'accept any TLS certificate', commands },
  { name: 'once', type: 'bool', group: 'Shown', help: 'one look, and the end', commands, argvOnly: true },
  {
    name: 'json',
    type: 'bool',
    group: 'Shown',
    help: 'a JSON object for each look instead of the panel',
    commands,
    argvOnly: true,
  },
] as const satisfies readonly Flag[]
