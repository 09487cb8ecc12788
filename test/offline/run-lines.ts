// Runs lines through the offline commands, from memory to memory, for tests.

import { Readable, Writable } from 'node:stream'
import { type RunFileOptions, type RunSummary, runEmbedFile, runScoreFile } from '#qvl/offline/run-file.js'
import { tinyEngine } from './tiny-engine.js'

export interface LinesRun {
  summary: RunSummary
  text: string
  /** The output lines, parsed. */
  lines: Record<string, unknown>[]
}

/** A stream that keeps what it is given. */
export class Collected extends Writable {
  readonly #parts: Buffer[] = []

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#parts.push(chunk)
    done()
  }

  get text(): string {
    return Buffer.concat(this.#parts).toString()
  }
}

export const toStream = (input: string | Uint8Array): Readable => Readable.from([Buffer.from(input)])

export const embedLines = (input: string | Uint8Array, options: Partial<RunFileOptions> = {}): Promise<LinesRun> =>
  runLines(runEmbedFile, { engine: tinyEngine(), input: toStream(input), ...options })

export const scoreLines = (input: string | Uint8Array, options: Partial<RunFileOptions> = {}): Promise<LinesRun> =>
  runLines(runScoreFile, { engine: tinyEngine({ kind: 'score' }), input: toStream(input), ...options })

async function runLines(
  run: typeof runEmbedFile,
  options: Omit<RunFileOptions, 'output'> & Partial<RunFileOptions>,
): Promise<LinesRun> {
  const output = new Collected()
  const summary = await run({ output, ...options })
  const { text } = output
  return { summary, text, lines: text.split('\n').filter(Boolean).map(parsed) }
}

function parsed(line: string): Record<string, unknown> {
  return JSON.parse(line)
}
