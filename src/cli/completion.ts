// `qvl completion`: a script for the shell, made from the flag table; and the names of cached models, which it asks for.

import { cachedModelIds } from '../checkpoint/hub/cached-models.js'
import { exitCode, QvlError } from '../errors.js'
import type { CompletedCommand } from './completion/words.js'
import type { Context } from './context.js'
import { nearest } from './nearest.js'
import { writeTo } from './write-to.js'

/** Loaded by themselves: a shell waits for the names of models. */
const scripts = {
  bash: async () => (await import('./completion/bash.js')).bashScript,
  zsh: async () => (await import('./completion/zsh.js')).zshScript,
  fish: async () => (await import('./completion/fish.js')).fishScript,
} as const satisfies Record<string, () => Promise<(commands: readonly CompletedCommand[]) => string>>

type Shell = keyof typeof scripts

const isShell = (word: string): word is Shell => Object.hasOwn(scripts, word)

/** Returns the exit code. Throws USAGE. */
export async function completion({ settings, operands, stdout }: Context): Promise<number> {
  const [word, ...rest] = operands
  // Not for people, so help does not tell of it.
  if (word === 'models' && rest.length === 0) {
    const ids = await cachedModelIds({ downloadDir: settings['download-dir'] })
    await writeTo(stdout, ids.map((id) => `${id}\n`).join(''))
    return exitCode.ok
  }
  if (word === undefined || !isShell(word)) throw noShell(word)
  if (rest.length > 0) throw oneShell(operands)
  const [script, { completedCommands }] = await Promise.all([scripts[word](), import('./completion/words.js')])
  await writeTo(stdout, script(completedCommands()))
  return exitCode.ok
}

const oneShell = (operands: readonly string[]): QvlError =>
  new QvlError('USAGE', {
    what: `${operands.length} shells were named: ${operands.join(', ')}.`,
    why: 'Each has a script of its own.',
    do: 'Run qvl completion once for each.',
  })

function noShell(word: string | undefined): QvlError {
  const shells = Object.keys(scripts)
  const near = word === undefined ? undefined : nearest(word, shells)
  return new QvlError('USAGE', {
    what: word === undefined ? 'No shell was named.' : `There is no completion for ${JSON.stringify(word)}.`,
    why: `The shells are: ${shells.join(', ')}.`,
    do: near === undefined ? 'Write, for example: qvl completion bash' : `Did you mean qvl completion ${near}?`,
  })
}
