// What `qvl score` and `qvl embed` share: input, model, output, and what is said at the end.

import { exitCode, QvlError } from '../errors.js'
import { type ChunkLimits, defaultChunkLimits } from '../offline/chunks.js'
import { openInput } from '../offline/input.js'
import type { RunFileOptions, RunSummary } from '../offline/run-file.js'
import { type Shard, shardFile } from '../offline/shard.js'
import { type AnsweredLine, answeredLines } from './answered-lines.js'
import type { Context } from './context.js'
import { numberSettings } from './engine-options.js'
import { explainFailure, explainJson, explainText } from './explain.js'
import type { LinesCommandName } from './flag.js'
import { helpOf } from './help.js'
import { chooseInput, isFile, type LinesInput } from './lines-input.js'
import { type OpenedModel, openModel } from './open-model.js'
import { requestDefaults } from './request-defaults.js'
import { lineErrorsTo, sayEnd } from './run-report.js'
import { shardOf } from './shard.js'
import { writeTo } from './write-to.js'

export interface LinesCommand {
  name: LinesCommandName
  /** Input lines that stand on the command line itself. */
  lines: readonly unknown[]
  run(options: RunFileOptions): Promise<RunSummary>
  /** Answers to those lines, for a terminal. */
  table(answered: readonly AnsweredLine[], layout: { columns: number; color: boolean }): string
}

/** Returns the exit code. */
export async function runLines(context: Context, command: LinesCommand): Promise<number> {
  const { settings, terminal, stderr } = context
  const input = await chooseInput(context, command.lines)
  if (input === undefined) {
    stderr.write(`${helpOf(context.command)}\n`)
    throw nothingToRead(command.name)
  }
  const shard = shardOf(settings, input)
  const model = await openModel(context, command.name, input.folder)
  if (settings.explain) return explainLines(context, model, input, command)
  const forPerson = input.kind === 'flags' && terminal.stdout.isTty && !settings.json && !isFile(settings.output)
  if (forPerson) return printTable(context, model, input, command)
  return answerLines(context, model, { ...input, shard }, command)
}

/** The last thing on the screen, below a page of help. */
const nothingToRead = (name: LinesCommandName): QvlError =>
  new QvlError('USAGE', {
    what: `qvl ${name} has nothing to read.`,
    why: 'Neither a file nor a text is named, and standard input is the terminal.',
    do: `Name a file, pipe lines in, or use ${name === 'score' ? '--query and --document' : '--text'}.`,
  })

async function answerLines(
  { settings, stdout, signal, interrupt, messages, progress }: Context,
  { engine, options }: OpenedModel,
  { source, shard }: LinesInput & { shard: Shard | undefined },
  { run }: LinesCommand,
): Promise<number> {
  const { output } = settings
  const file = isFile(output) ? output : undefined
  interrupt.explain =
    file === undefined ? 'stopping: the lines that are done are written' : `stopping: the lines that are done are saved`
  const summary = await run({
    engine,
    input: source,
    output: file === undefined ? stdout : { file },
    defaults: requestDefaults(settings),
    encodingFormat: settings['encoding-format'],
    format: settings.format,
    shard,
    strict: settings.strict,
    resume: settings.resume,
    settings: numberSettings(options),
    // Every device gets as many batches of a chunk as one would alone.
    chunkLimits: sharedLimits(numShares(options)),
    signal,
    onProgress: (event) => progress.run(event),
    onLineError: lineErrorsTo(messages),
  })
  if (!summary.outputClosed) sayEnd(messages, summary, file && shard ? shardFile(file, shard) : file)
  return summary.failed > 0 ? exitCode.someItemsFailed : exitCode.ok
}

const sharedLimits = (shares: number): Partial<ChunkLimits> => ({
  maxTokens: defaultChunkLimits.maxTokens * shares,
  maxLines: defaultChunkLimits.maxLines * shares,
})

/** A constant for replicas, so that a run can be resumed with another number of them. */
const numShares = ({ dataParallelSize = 1, upstream }: OpenedModel['options']): number =>
  upstream === undefined ? dataParallelSize : 16

async function explainLines(
  context: Context,
  { engine }: OpenedModel,
  { source }: LinesInput,
  { name }: LinesCommand,
): Promise<number> {
  const { settings, signal, stdout, terminal, messages } = context
  const defaults = requestDefaults(settings)
  await using input = await openInput(source, signal)
  let failed = 0
  const asked = { engine, command: name, input: input.chunks, defaults, signal, strict: settings.strict }
  for await (const line of answeredLines(asked)) {
    if ('error' in line) {
      failed++
      const text = settings.json
        ? `${JSON.stringify(line.item.failure(line.error))}\n`
        : explainFailure(line.item.line, line.error)
      await writeTo(stdout, text)
    } else {
      await writeTo(stdout, settings.json ? explainJson(line) : explainText(line, terminal.stdout.isTty))
    }
  }
  if (failed > 0) messages.warn(`${failed} ${failed === 1 ? 'line' : 'lines'} failed.`)
  return failed > 0 ? exitCode.someItemsFailed : exitCode.ok
}

/** The texts come from flags and are few, so a failure of one is the failure of the command. */
async function printTable(
  { settings, signal, stdout, terminal }: Context,
  { engine }: OpenedModel,
  { source }: LinesInput,
  { name, table }: LinesCommand,
): Promise<number> {
  await using input = await openInput(source, signal)
  const answered: AnsweredLine[] = []
  const defaults = requestDefaults(settings)
  const asked = { engine, command: name, input: input.chunks, defaults, signal, strict: true }
  for await (const line of answeredLines(asked)) if (!('error' in line)) answered.push(line)
  await writeTo(stdout, table(answered, { columns: stdout.columns || 80, color: terminal.stdout.color }))
  return exitCode.ok
}
