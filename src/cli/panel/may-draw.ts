// Whether live lines may be drawn on the terminal of this process.

import { readFileSync } from 'node:fs'
import type { Terminal } from '../terminal.js'

/** Build machines lend their programs terminals and keep what is written there as a log. */
export function mayDraw({ animate }: Pick<Terminal, 'animate'>, env: NodeJS.ProcessEnv): boolean {
  return animate && !isBuildMachine(env) && isForeground()
}

const isBuildMachine = (env: NodeJS.ProcessEnv): boolean =>
  !['', '0', 'false'].includes(env.CI ?? '') ||
  'CONTINUOUS_INTEGRATION' in env ||
  Object.keys(env).some((name) => name.startsWith('CI_'))

/** A process started with `&` would draw over the prompt of its shell. Other systems do not tell it to Node. */
function isForeground(): boolean {
  if (process.platform !== 'linux') return true
  // After the name, which may hold anything: state, parent, group, session, terminal, the group in its foreground.
  const fields = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')
  return fields[2] === fields[5]
}
