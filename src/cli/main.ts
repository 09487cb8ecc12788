// The entry of qvl: picks the command, runs it, and turns what was thrown into a message and an exit code.

import { asQvlError, exitCode, QvlError } from '../errors.js'
import { openFilesLimit } from '../server/open-files.js'
import { configWords } from './config-words.js'
import { commandNames, leadingCommand } from './flag.js'
import { helpAbout, helpOf, overview, packageVersion } from './help.js'
import { type Messages, messagesTo } from './messages.js'
import { nearest } from './nearest.js'
import { readSettings } from './settings.js'
import { outlive, watchPipe } from './stream-failures.js'
import { terminalOf } from './terminal.js'

/** As many modules as a command has, and more. */
const filesToLoad = 512

/** Runs the command line of this process and sets its exit code. */
export async function run(): Promise<void> {
  const args = process.argv.slice(2)
  const messages = earlyMessages(args)
  outlive(process.stderr)
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
    const given = args.slice(command.split(' ').length)
    const topic = given.find((word) => word.startsWith('--help='))
    if (topic !== undefined) return print(helpAbout(command, topic.slice('--help='.length)))
    const words = command === 'config' ? configWords(given) : given
    const invocation = await readSettings(command, words, process.env)
    if (invocation.settings.help) return print(helpOf(command))
    if (invocation.settings.version) return print(`${packageVersion()}\n`)
    // Loaded only now, so that help and wrong flags are answered at once.
    const { runCommand } = await import('./run-command.js')
    return runCommand(command, invocation)
  }
  const about = first === 'help' ? leadingCommand(rest) : undefined
  if (about !== undefined) return print(helpOf(about))
  const [topic] = rest
  if (first === 'help' && topic !== undefined && !topic.startsWith('-')) throw unknownCommand(topic, rest.slice(1))
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return print(overview)
  if (first === '--version') return print(`${packageVersion()}\n`)
  throw unknownCommand(first, rest)
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

/**
 * Node opens many of our modules at once, before any check of ours can run. Where it runs out of files, it may say that
 * a module is missing.
 */
function tooFewFiles(error: unknown): QvlError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'EMFILE' && code !== 'ERR_MODULE_NOT_FOUND') return undefined
  const limit = openFilesLimit()
  if (limit === undefined || limit >= filesToLoad) return undefined
  return new QvlError('FILES_EXHAUSTED', {
    what: `This process may have ${limit} files open, which is not enough to load the program.`,
    why: 'Node opens its modules all at once.',
    do: 'Raise the limit first, for example with: ulimit -n 4096',
    cause: error,
  })
}

/** Flags that stand without a command. */
const alone = ['--help', '--version']

function unknownCommand(first: string, rest: readonly string[]): QvlError {
  const why = `The commands are: ${commandNames.join(', ')}.`
  if (first.startsWith('-')) {
    const command = commandNames.find((name) => rest.includes(name)) ?? '<command>'
    const meant = rest.length === 0 ? nearest(first, alone) : undefined
    const what = `The command comes before its flags, and ${first} is a flag.`
    const fix = meant === undefined ? `Write qvl ${command} first.` : `Did you mean qvl ${meant}?`
    return new QvlError('USAGE', { what, why, do: fix, param: first })
  }
  const begun = commandNames.filter((name) => name.startsWith(`${first} `))
  if (begun.length > 0) {
    const isHalf = rest[0] === undefined || rest[0].startsWith('-')
    const what = isHalf ? `qvl ${first} is half a command.` : `There is no command ${first} ${rest[0]}.`
    return new QvlError('USAGE', { what, why, do: `Write qvl ${begun.join(' or qvl ')}.`, param: first })
  }
  const near = nearest(first, [...commandNames, 'help', ...alone])
  const fix = near === undefined ? 'See qvl --help.' : `Did you mean qvl ${near}?`
  return new QvlError('USAGE', { what: `There is no command ${first}.`, why, do: fix, param: first })
}
