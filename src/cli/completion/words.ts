// What can follow each command, told from the flag table, for any shell.

import { flagsOf } from '../command-options.js'
import { type CommandName, commandNames, type Flag, hasNoEffect, takesPath } from '../flag.js'
import { shownName } from '../help-page.js'

/** What a shell offers for a value. */
export type Offer = { kind: 'words'; words: readonly string[] } | { kind: 'files' | 'models' | 'text' }

export interface CompletedFlag {
  /** With dashes; the form that changes something comes first. */
  names: readonly string[]
  help: string
  /** Absent for flags without a value. */
  value: Offer | undefined
}

export interface CompletedCommand {
  words: readonly string[]
  flags: readonly CompletedFlag[]
  /** What stands without a dash. */
  operand: Offer
}

const fixedOperands: Partial<Record<CommandName, Offer>> = {
  score: { kind: 'files' },
  embed: { kind: 'files' },
  serve: { kind: 'models' },
  models: { kind: 'words', words: ['pull', 'remove', 'verify'] },
  'models pull': { kind: 'text' },
  'models remove': { kind: 'models' },
  'models verify': { kind: 'models' },
  completion: { kind: 'words', words: ['bash', 'zsh', 'fish'] },
}

export const completedCommands = (): CompletedCommand[] =>
  commandNames.map((command) => ({
    words: command.split(' '),
    flags: offeredFlags(command).map(completedFlag),
    operand: operandOf(command),
  }))

/** The first words of all commands, each once. */
export const firstWords = (commands: readonly CompletedCommand[]): string[] => [
  ...new Set([...commands.map(({ words }) => words[0]!), 'help']),
]

/** The second words that may follow a first one. */
export const secondWords = (commands: readonly CompletedCommand[], first: string): string[] =>
  commands.flatMap(({ words }) => (words[0] === first && words[1] !== undefined ? [words[1]] : []))

export const twoWordCommands = (commands: readonly CompletedCommand[]): string[] =>
  commands.flatMap(({ words }) => (words.length > 1 ? [words.join(' ')] : []))

/** First words that are no command by themselves, such as `bench`. */
export const beginnings = (commands: readonly CompletedCommand[]): string[] =>
  [...new Set(commands.map(({ words }) => words[0]!))].filter(
    (first) => !commands.some(({ words }) => words.length === 1 && words[0] === first),
  )

function operandOf(command: CommandName): Offer {
  if (command === 'config') return { kind: 'words', words: commandNames.filter((name) => !name.includes(' ')) }
  return fixedOperands[command] ?? { kind: 'text' }
}

/** Flags that do nothing are accepted, and not suggested. `qvl config` takes those of any command. */
function offeredFlags(command: CommandName): Flag[] {
  const own = flagsOf(command).filter((flag) => !hasNoEffect(flag, command))
  if (command !== 'config') return own
  const others = commandNames.flatMap((name) => flagsOf(name).filter((flag) => !hasNoEffect(flag, name)))
  const byName = new Map([...others.filter((flag) => !flag.argvOnly), ...own].map((flag) => [flag.name, flag]))
  return [...byName.values()]
}

function completedFlag(flag: Flag): CompletedFlag {
  const short = flag.short?.length === 1 ? [`-${flag.short}`] : []
  const { help } = flag
  if (flag.type === 'bool') return { names: [shownName(flag), ...short], help, value: undefined }
  return { names: [`--${flag.name}`, ...short], help, value: offerOf(flag) }
}

function offerOf(flag: Flag): Offer {
  if (flag.type === 'choice') return { kind: 'words', words: flag.choices }
  if (flag.name === 'for') return { kind: 'words', words: commandNames }
  if (flag.value === 'MODEL') return { kind: 'models' }
  return takesPath(flag) ? { kind: 'files' } : { kind: 'text' }
}
