// The entry of qvl: picks the command, runs it, and turns what was thrown into a message and an exit code.

import { asQvlError, exitCode, QvlError } from '../errors.js'
import { watchPipe } from './broken-pipe.js'
import { type CommandName, commandNames } from './flag.js'
import { helpOf, overview, packageVersion } from './help.js'
import { type Messages, messagesTo } from './messages.js'
import { nearest } from './nearest.js'
import { readSettings } from './settings.js'
import { terminalOf } from './terminal.js'

/** Runs the command line of this process and sets its exit code. */
export async function run(): Promise<void> {
  const args = process.argv.slice(2)
  const messages = earlyMessages(args)
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(event, (error: unknown) => {
      messages.error(asQvlError(error))
      process.exit(exitCode.failed)
    })
  }
  try {
    process.exitCode = await dispatch(args)
  } catch (error) {
    const reported = tooFewFiles(error) ?? asQvlError(error)
    messages.error(reported)
    process.exitCode = reported.exit
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args
  const command = leadingCommand(args)
  if (command !== undefined) {
    const words = command.split(' ').length
    const invocation = await readSettings(command, args.slice(words), process.env)
    if (invocation.settings.help) return print(helpOf(command))
    if (invocation.settings.version) return print(`${packageVersion()}\n`)
    // Loaded only now, so that help and wrong flags are answered at once.
    const { runCommand } = await import('./run-command.js')
    return runCommand(command, invocation)
  }
  const about = first === 'help' ? leadingCommand(rest) : undefined
  if (about !== undefined) return print(helpOf(about))
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return print(overview)
  if (first === '--version') return print(`${packageVersion()}\n`)
  throw unknownCommand(first, rest)
}

const leadingCommand = (args: readonly string[]): CommandName | undefined =>
  commandNames.find((name) => name.split(' ').every((word, index) => word === args[index]))

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

/** Node opens many of our modules at once, before any check of ours could run. */
function tooFewFiles(error: unknown): QvlError | undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'EMFILE')) return undefined
  return new QvlError('FILES_EXHAUSTED', {
    what: 'This process may not open enough files.',
    why: 'Its limit on open files was reached while the program itself was being loaded.',
    do: 'Raise the limit first, for example with: ulimit -n 4096',
    cause: error,
  })
}

function unknownCommand(first: string, rest: readonly string[]): QvlError {
  const why = `The commands are: ${commandNames.join(', ')}.`
  if (first.startsWith('-')) {
    const command = commandNames.find((name) => rest.includes(name)) ?? '<command>'
    const what = `The command comes before its flags, and ${first} is a flag.`
    return new QvlError('USAGE', { what, why, do: `Write qvl ${command} first.`, param: first })
  }
  const begun = commandNames.find((name) => name.startsWith(`${first} `))
  const near = begun ?? nearest(first, [...commandNames, 'help'])
  const fix = near === undefined ? 'See qvl --help.' : `Did you mean qvl ${near}?`
  return new QvlError('USAGE', { what: `There is no command ${first}.`, why, do: fix, param: first })
}
