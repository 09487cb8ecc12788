// Runs one command: builds its context from the process, and reports how it ended.

import { setTimeout as sleep } from 'node:timers/promises'
import { asQvlError, exitCode, QvlError } from '../errors.js'
import type { Context } from './context.js'
import type { CommandName } from './flag.js'
import { type Interrupt, listenForInterrupt } from './interrupt.js'
import { isFile } from './lines-input.js'
import { messagesTo } from './messages.js'
import { progressOn } from './progress.js'
import type { Invocation } from './settings.js'
import { watchPipe } from './stream-failures.js'
import { terminalOf } from './terminal.js'

type Command = (context: Context) => Promise<number>

/** Loaded by themselves: a command that shells wait for does not wait for the modules of the others. */
const commands: Record<CommandName, () => Promise<Command>> = {
  score: async () => (await import('./score.js')).score,
  embed: async () => (await import('./embed.js')).embed,
  serve: async () => (await import('./serve.js')).serve,
  top: async () => (await import('./top.js')).top,
  'bench throughput': async () => (await import('./bench-throughput.js')).benchThroughput,
  'bench serve': async () => (await import('./bench-serve.js')).benchServe,
  models: async () => (await import('./models.js')).models,
  'models pull': async () => (await import('./models/pull.js')).modelsPull,
  'models remove': async () => (await import('./models/remove.js')).modelsRemove,
  'models verify': async () => (await import('./models/verify.js')).modelsVerify,
  compile: async () => (await import('./compile.js')).compile,
  doctor: async () => (await import('./doctor.js')).doctor,
  config: async () => (await import('./show-config.js')).showConfig,
  completion: async () => (await import('./completion.js')).completion,
}

/** After a signal, the time for what is being computed to end; large batches and models take longer than anyone waits. */
const graceMs = 5_000

/** Returns the exit code. */
export async function runCommand(command: CommandName, { settings, operands, notes }: Invocation): Promise<number> {
  const run = await commands[command]()
  const speech = speechOf(command, settings)
  const { messages, progress } = speech
  for (const note of notes) messages.warn(note)
  const { stdin, stdout, stderr } = process
  const pipe = watchPipe(stdout)
  const interrupt = listenForInterrupt({ say: (message) => messages.warn(message) })
  const signal = AbortSignal.any([interrupt.signal, pipe.signal])
  const closers: (() => Promise<void>)[] = []
  const closeAtEnd = (close: () => Promise<void>): void => void closers.push(close)
  const context = { command, settings, operands, stdin, stdout, stderr, ...speech, interrupt, signal, closeAtEnd }
  const outcome = await run(context).catch((error: unknown) =>
    signal.aborted && error === signal.reason ? exitCode.failed : asQvlError(error),
  )
  progress.clear()
  // A write that failed because the reader left is not an error.
  if (outcome instanceof QvlError && !pipe.isBroken) messages.error(outcome)
  const closed = Promise.all(closers.map((close) => close()))
  if (interrupt.code !== undefined) await Promise.race([closed, afterGrace(interrupt)])
  await closed
  interrupt.close()
  // What is left now are streams that wait for more.
  const code = outcome instanceof QvlError ? outcome.exit : outcome
  if (signal.aborted) process.exit(interrupt.obeyed ? code : (interrupt.code ?? exitCode.ok))
  return code
}

async function afterGrace(interrupt: Interrupt): Promise<void> {
  await sleep(graceMs, undefined, { ref: false })
  interrupt.leave()
}

/** How to speak to the person, as the flags and the streams have it. */
function speechOf(
  command: CommandName,
  settings: Invocation['settings'],
): Pick<Context, 'terminal' | 'messages' | 'progress'> {
  const { env, stdin, stdout, stderr } = process
  const { color, quiet, verbose, debug } = settings
  const terminal = terminalOf({ stdin, stdout, stderr, env, color, progress: settings.progress })
  // Answers that scroll by on the same terminal are progress enough.
  const scrolls = (command === 'score' || command === 'embed') && terminal.stdout.isTty && !isFile(settings.output)
  const animate = terminal.animate && !scrolls
  const progress = progressOn({ stream: stderr, animate, quiet })
  const write = (text: string): void => {
    progress.clear()
    stderr.write(text)
  }
  return { terminal, progress, messages: messagesTo({ write, terminal, quiet, verbose, debug }) }
}
