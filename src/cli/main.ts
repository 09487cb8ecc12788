// The entry of qvl: picks the command, runs it, and turns what was thrown into a message and an exit code.

import { asQvlError, exitCode, QvlError } from '../errors.js'
import { watchPipe } from './broken-pipe.js'
import type { Context } from './context.js'
import { embed } from './embed.js'
import { type CommandName, commandNames } from './flag.js'
import { helpOf, overview, packageVersion } from './help.js'
import { listenForInterrupt } from './interrupt.js'
import { isFile } from './lines-input.js'
import { type Messages, messagesTo } from './messages.js'
import { nearest } from './nearest.js'
import { progressOn } from './progress.js'
import { score } from './score.js'
import { readSettings } from './settings.js'
import { terminalOf } from './terminal.js'

const commands: Record<CommandName, (context: Context) => Promise<number>> = { score, embed }

/** Runs the command line of this process and sets its exit code. */
export async function run(): Promise<void> {
  const args = process.argv.slice(2)
  const messages = earlyMessages(args)
  process.on('unhandledRejection', (error) => {
    messages.error(asQvlError(error))
    process.exit(exitCode.failed)
  })
  try {
    process.exitCode = await dispatch(args)
  } catch (error) {
    const reported = asQvlError(error)
    messages.error(reported)
    process.exitCode = reported.exit
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args
  const command = commandNames.find((name) => name === first)
  if (command !== undefined) return runCommand(command, rest)
  const about = first === 'help' ? commandNames.find((name) => name === rest[0]) : undefined
  if (about !== undefined) return print(helpOf(about))
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return print(overview)
  if (first === '--version') return print(`${packageVersion()}\n`)
  throw unknownCommand(first, rest)
}

async function runCommand(command: CommandName, args: readonly string[]): Promise<number> {
  const { env, stdin, stdout, stderr } = process
  const { settings, operands, notes } = await readSettings(command, args, env)
  if (settings.help) return print(helpOf(command))
  if (settings.version) return print(`${packageVersion()}\n`)
  const { color, quiet, verbose, debug } = settings
  const terminal = terminalOf({ stdin, stdout, stderr, env, color, progress: settings.progress })
  // Answers that scroll by on the same terminal are progress enough.
  const animate = terminal.animate && !(terminal.stdout.isTty && !isFile(settings.output))
  const progress = progressOn({ stream: stderr, animate, quiet })
  const write = (text: string): void => {
    progress.clear()
    stderr.write(text)
  }
  const messages = messagesTo({ write, terminal, quiet, verbose, debug })
  for (const note of notes) messages.warn(note)
  const pipe = watchPipe(stdout)
  watchPipe(stderr)
  const interrupt = listenForInterrupt({ say: (message) => messages.warn(message) })
  const signal = AbortSignal.any([interrupt.signal, pipe.signal])
  const streams = { stdin, stdout, stderr, terminal, messages, progress }
  const context: Context = { command, settings, operands, ...streams, interrupt, signal }
  const stoppedCode = () => interrupt.code ?? (pipe.isBroken ? exitCode.ok : undefined)
  try {
    return await commands[command](context)
  } catch (error) {
    messages.error(asQvlError(error))
    return asQvlError(error).exit
  } finally {
    progress.clear()
    interrupt.close()
  }
}

function print(text: string): number {
  watchPipe(process.stdout)
  process.stdout.write(text)
  return exitCode.ok
}

/** For errors before the flags are known: the words themselves say how to report them. */
function earlyMessages(args: readonly string[]): Messages {
  const { env, stdin, stdout, stderr } = process
  const color = !args.includes('--no-color')
  const terminal = terminalOf({ stdin, stdout, stderr, env, color, progress: false })
  const debug = args.includes('--debug')
  return messagesTo({ write: (text) => stderr.write(text), terminal, quiet: false, verbose: false, debug })
}

function unknownCommand(first: string, rest: readonly string[]): QvlError {
  const later = commandNames.find((name) => rest.includes(name))
  const near = nearest(first, [...commandNames, 'help'])
  const isFlag = first.startsWith('-')
  return new QvlError('USAGE', {
    what: isFlag ? `The command comes before its flags, and ${first} is a flag.` : `There is no command ${first}.`,
    why: `The commands are: ${commandNames.join(', ')}.`,
    do: later !== undefined && isFlag ? `Write qvl ${later} first.` : near === undefined ? 'See qvl --help.' : `Did you mean qvl ${near}?`,
    param: first,
  })
}
