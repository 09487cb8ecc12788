// `qvl score` and `qvl embed`: lines in, lines out in the same order, chunk by chunk.

import type { Readable, Writable } from 'node:stream'
import type { EncodingFormat } from '../api/floats.js'
import type { RequestDefaults } from '../api/request-options.js'
import type { Engine } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import { type ChunkLimits, defaultChunkLimits } from './chunks.js'
import { type Encoder, jsonlEncoder, npyEncoder } from './encoders.js'
import { type Input, openInput } from './input.js'
import type { LineContext } from './item.js'
import { LineReader } from './lines.js'
import { openFileOutput, resolveTarget } from './open-output.js'
import { type Output, StreamOutput } from './output.js'
import { asOnlyWriter } from './output-lock.js'
import { Run, type RunEvents } from './run.js'
import type { OptionValue, RunIdentity } from './run-state.js'
import { type Shard, shardFile, shardRange } from './shard.js'

export interface RunFileOptions extends RunEvents {
  engine: Engine
  /** A path, or a stream of bytes that the run may destroy when it is over. */
  input: Readable | string
  /** A stream, which stays open, or a file that appears when it is complete. */
  output: Writable | { file: string }
  /** Values for what a line leaves out. */
  defaults?: RequestDefaults | undefined
  encodingFormat?: EncodingFormat | undefined
  /** `npy` is for embeddings and needs a file. */
  format?: 'jsonl' | 'npy' | undefined
  /** Answer only this part of the input, which must be a file, into a file of its own name where the output is one. */
  shard?: Shard | undefined
  /** Stop at the first line that cannot be answered. */
  strict?: boolean | undefined
  /** Go on with an unfinished run of the same file. */
  resume?: boolean | undefined
  /** Aborting ends the run after the chunks that are done. */
  signal?: AbortSignal | undefined
  /** Settings of the engine that change numbers, such as the device; a resumed run must have the same. */
  settings?: Readonly<Record<string, OptionValue | undefined>> | undefined
  chunkLimits?: Partial<ChunkLimits> | undefined
  maxLineBytes?: number | undefined
  /** Time between two saved places of a file, in milliseconds. */
  saveIntervalMs?: number | undefined
}

export interface RunSummary {
  /** Lines of the output, and how many of them are failures. */
  lines: number
  failed: number
  /** Lines that an earlier run had written. */
  resumedLines: number
  /** Prompt tokens of this run, and how many of them were shared instead of computed. */
  tokens: number
  cachedTokens: number
  seconds: number
  aborted: boolean
  /** The reader of the output went away. */
  outputClosed: boolean
  /** With `resume`: the file was there already, and nothing was done. */
  alreadyComplete: boolean
}

/**
 * Reranking requests. Throws INPUT_UNREADABLE, OUTPUT_UNWRITABLE, OUTPUT_BUSY, RESUME_MISMATCH, USAGE, or what stopped
 * the device.
 */
export async function runScoreFile(options: RunFileOptions): Promise<RunSummary> {
  return runFile('score', options)
}

/** Texts to embed. Throws as `runScoreFile`. */
export async function runEmbedFile(options: RunFileOptions): Promise<RunSummary> {
  return runFile('embed', options)
}

async function runFile(command: 'score' | 'embed', options: RunFileOptions): Promise<RunSummary> {
  const context = lineContext(command, options)
  checkFormat(context, options)
  const { output, input, shard } = options
  if (!('file' in output)) return answer(context, { ...options, output })
  const path = shard === undefined ? output.file : shardFile(output.file, shard)
  const file = await resolveTarget(path, typeof input === 'string' ? input : undefined)
  return asOnlyWriter(file, () => answer(context, { ...options, output: { file } }))
}

/** `output`: the path to write, links resolved. */
async function answer(context: LineContext, options: RunFileOptions): Promise<RunSummary> {
  const started = performance.now()
  // The engine also drops what is queued when the run ends early for another reason.
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(options.signal === undefined ? [] : [options.signal])])
  await using input = await openInput(options.input, signal)
  const range = options.shard && shardRange(options.shard, sizeOf(input))
  await using output = await openOutput(context, { ...options, inputBytes: range && input.totalBytes }, signal)
  if (output === undefined) return { ...nothingDone, alreadyComplete: true }
  const reader = new LineReader(input.chunks, { maxLineBytes: options.maxLineBytes, end: range?.end })
  const limits = { ...defaultChunkLimits, ...options.chunkLimits, strict: options.strict ?? false }
  const totalBytes = range === undefined ? input.totalBytes : range.end - range.start
  const run = new Run({
    range,
    context,
    reader,
    output,
    limits,
    totalBytes,
    signal,
    events: options,
    encoder: encoder(context),
  })
  try {
    const end = await run.toEnd().catch((error: unknown) => {
      if (options.signal?.aborted && error === options.signal.reason) return 'aborted'
      throw error
    })
    if (end === 'end') await output.complete()
    else await output.flush()
    if (end instanceof QvlError) throw end
    return {
      ...run.counts,
      ...run.usage,
      resumedLines: output.resumed?.lines ?? 0,
      seconds: (performance.now() - started) / 1000,
      aborted: end === 'aborted',
      outputClosed: end === 'closed',
      alreadyComplete: false,
    }
  } finally {
    stop.abort()
  }
}

function sizeOf({ totalBytes }: Input): number {
  if (totalBytes !== undefined) return totalBytes
  throw new QvlError('USAGE', {
    what: 'A part of a pipe cannot be found.',
    why: 'Parts are cut by the size of the input, which only a file has.',
    do: 'Name a file.',
    param: '--shard',
  })
}

const nothingDone = {
  lines: 0,
  failed: 0,
  resumedLines: 0,
  tokens: 0,
  cachedTokens: 0,
  seconds: 0,
  aborted: false,
  outputClosed: false,
}

function lineContext(command: 'score' | 'embed', options: RunFileOptions): LineContext {
  const { engine, encodingFormat, format = 'jsonl' } = options
  const explain = options.onExplain !== undefined
  return { engine, command, format, defaults: { encodingFormat, ...options.defaults }, explain }
}

function checkFormat({ format, command, defaults }: LineContext, { output }: RunFileOptions): void {
  if (format !== 'npy') return
  const refuse = (what: string, todo: string): QvlError => new QvlError('USAGE', { what, do: todo, param: '--format' })
  if (command !== 'embed') throw refuse('Scores cannot be written as npy.', 'Use --format jsonl.')
  if (!('file' in output)) throw refuse('npy needs a file: its header is written last.', 'Add -o FILE.')
  if (defaults.encodingFormat === 'base64')
    throw refuse('npy holds floats, not base64.', 'Leave --encoding-format out.')
}

const encoder = (context: LineContext): Encoder =>
  context.format === 'npy' ? npyEncoder(npyWidth(context)) : jsonlEncoder

const npyWidth = ({ engine, defaults }: LineContext): number => defaults.dimensions ?? engine.model.hidden

/** `inputBytes`: of an input that is cut into parts. */
type OutputOptions = RunFileOptions & { inputBytes: number | undefined }

async function openOutput(
  context: LineContext,
  { output, resume = false, ...options }: OutputOptions,
  signal: AbortSignal,
): Promise<Output | undefined> {
  if (!('file' in output)) return new StreamOutput(output, signal)
  return openFileOutput({
    file: output.file,
    identity: runIdentity(context, options),
    resume,
    npyWidth: context.format === 'npy' ? npyWidth(context) : undefined,
    saveIntervalMs: options.saveIntervalMs,
  })
}

/** Everything besides the input that decides a byte of the output. */
function runIdentity({ engine, command, format, defaults }: LineContext, options: Partial<OutputOptions>): RunIdentity {
  const { model } = engine
  const { shard, inputBytes } = options
  const { maxTokens, maxLines, maxMediaBytes } = { ...defaultChunkLimits, ...options.chunkLimits }
  const values = {
    format,
    ...defaults,
    encodingFormat: defaults.encodingFormat ?? 'float',
    ...options.settings,
    promptFormat: model.format,
    maxModelLen: model.maxModelLen,
    maxLineBytes: options.maxLineBytes,
    chunkTokens: maxTokens,
    chunkLines: maxLines,
    chunkMediaBytes: maxMediaBytes,
    shard: shard && `${shard.index}/${shard.count}`,
    inputBytes,
  }
  const entries = Object.entries(values).map(([key, value]): [string, OptionValue] => [key, value ?? null])
  return { command, fingerprint: model.fingerprint, options: Object.fromEntries(entries) }
}
