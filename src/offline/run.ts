// The loop of a run: while the device works on one chunk, the one before is written and the one after is prepared.

import type { Explanation } from '../engine/requests.js'
import { asQvlError, QvlError } from '../errors.js'
import { unlessAborted } from './abort.js'
import { type Chunk, type ChunkLimits, takeChunk } from './chunks.js'
import type { Encoded, Encoder } from './encoders.js'
import type { Answer, Item, LineContext } from './item.js'
import type { LineReader } from './lines.js'
import type { Output } from './output.js'
import { PreparedLines } from './prepared-lines.js'
import { resumeMismatch } from './run-state.js'
import type { ByteRange } from './shard.js'

export interface RunProgress {
  /** Lines answered, written or not. */
  lines: number
  tokens: number
  cachedTokens: number
  bytesRead: number
  totalBytes: number | undefined
}

export interface RunEvents {
  onProgress?: ((progress: RunProgress) => void) | undefined
  /** What went into the model, line by line. */
  onExplain?: ((record: { line: number; explanations: readonly Explanation[] }) => void) | undefined
  /** A line that could not be answered; it is also in the output. */
  onLineError?: ((failure: { line: number; error: QvlError }) => void) | undefined
}

export interface RunParts {
  context: LineContext
  reader: LineReader
  encoder: Encoder
  output: Output
  limits: ChunkLimits & { strict: boolean }
  /** What to answer of the input; all of it when absent. */
  range: ByteRange | undefined
  totalBytes: number | undefined
  signal: AbortSignal
  events: RunEvents
}

/** How a run ended: at the end of the input, because the output's reader left, or at a bad line with `strict`. */
export type RunEnd = 'end' | 'closed' | QvlError

/** A chunk with what became of each line; its images are let go. */
interface AnsweredChunk extends Omit<Chunk, 'visuals'> {
  results: readonly (readonly Answer[] | QvlError)[]
}

export class Run {
  /** Of the output so far. */
  readonly counts: { lines: number; failed: number }
  /** Of the lines answered so far in this run. */
  readonly usage = { tokens: 0, cachedTokens: 0 }
  readonly #parts: RunParts
  /** Once the reader stands at the first line to answer. */
  #lines: PreparedLines | undefined
  #linesAnswered: number

  constructor(parts: RunParts) {
    const { lines, failed } = parts.output.resumed ?? { lines: 0, failed: 0 }
    this.#parts = parts
    this.counts = { lines, failed }
    this.#linesAnswered = lines
  }

  /**
   * From where an earlier run stopped to the end. Throws RESUME_MISMATCH, what stopped the input, the output or the
   * device, and the signal's reason when it is aborted.
   */
  async toEnd(): Promise<RunEnd> {
    const { signal } = this.#parts
    await unlessAborted(this.#begin(), signal)
    let chunk = await unlessAborted(this.#take(), signal)
    let answered: AnsweredChunk | undefined
    while (chunk !== undefined) {
      const running = this.#answer(chunk)
      // It is awaited below; until then its failure must not count as unheard.
      running.catch(() => {})
      const end = answered && (await this.#write(answered))
      if (end !== undefined) return end
      ;[answered, chunk] = await unlessAborted(Promise.all([running, this.#take()]), signal)
    }
    return (answered && (await this.#write(answered))) ?? 'end'
  }

  /** Answers say which line of the input they belong to, so the lines before a part are counted. */
  async #begin(): Promise<void> {
    const { reader, output, range } = this.#parts
    const linesBefore = range === undefined ? 0 : await reader.skipBefore(range.start)
    if (output.resumed !== undefined && !(await reader.skipTo(output.resumed.input))) {
      throw resumeMismatch('The input does not begin with the lines that are in the output.')
    }
    this.#lines = new PreparedLines(reader, linesBefore + this.counts.lines, this.#parts)
  }

  async #take(): Promise<Chunk | undefined> {
    return this.#lines && (await takeChunk(this.#lines, this.#parts.limits))
  }

  /** What fails is the result of its line. */
  async #answer({ items, visuals, end }: Chunk): Promise<AnsweredChunk> {
    const { context, signal } = this.#parts
    const tasks = items.flatMap(({ work }) => (work instanceof QvlError ? [] : work.tasks))
    const answers = context.engine.submit(tasks, { signal, visuals, together: true })
    let taken = 0
    const results = items.map(async ({ work }) => {
      if (work instanceof QvlError) return this.#settle(work)
      const start = taken
      taken += work.tasks.length
      return this.#settle(await Promise.all(answers.slice(start, taken)).catch(asQvlError))
    })
    return { items, end, results: await Promise.all(results) }
  }

  #settle(result: readonly Answer[] | QvlError): readonly Answer[] | QvlError {
    const { events, reader, range, totalBytes } = this.#parts
    this.#linesAnswered++
    if (!(result instanceof QvlError)) {
      for (const { usage } of result) {
        this.usage.tokens += usage.promptTokens
        this.usage.cachedTokens += usage.cachedTokens
      }
    }
    const bytesRead = reader.bytesTaken - (range?.start ?? 0)
    events.onProgress?.({ lines: this.#linesAnswered, ...this.usage, bytesRead, totalBytes })
    return result
  }

  /** Returns why the run is over, if it is. */
  async #write(answered: AnsweredChunk): Promise<RunEnd | undefined> {
    const { items, results, end } = answered
    const { output, limits } = this.#parts
    throwIfDeviceFailed(answered)
    for (const [index, item] of items.entries()) {
      const { encoded, error } = this.#encode(item, results[index]!)
      if (error !== undefined && limits.strict) return atLine(item.line, error)
      await output.write(encoded)
      this.counts.lines++
      if (error !== undefined) this.#reportFailure(item, error)
    }
    await output.mark({ input: end, ...this.counts })
    return output.closed ? 'closed' : undefined
  }

  #encode(item: Item, result: readonly Answer[] | QvlError): { encoded: Encoded; error?: QvlError } {
    const { encoder, events } = this.#parts
    const failed = (error: QvlError) => ({ encoded: encoder.failure(item, error), error })
    if (result instanceof QvlError || item.work instanceof QvlError) return failed(asQvlError(result))
    try {
      const encoded = encoder.answer(item.work, result)
      events.onExplain?.({ line: item.line, explanations: result.flatMap(explanationsOf) })
      return { encoded }
    } catch (error) {
      return failed(asQvlError(error))
    }
  }

  #reportFailure(item: Item, error: QvlError): void {
    this.counts.failed++
    this.#parts.events.onLineError?.({ line: item.line, error })
  }
}

/** There are some where the tasks were prepared with texts. */
function explanationsOf(answer: Answer): readonly Explanation[] {
  if (!('vector' in answer)) return answer.explanations ?? []
  return answer.explanation === undefined ? [] : [answer.explanation]
}

/**
 * One line that the device cannot compute is a failed line. When no line of a chunk could be computed it is the device
 * that failed, and error lines for the rest of the input would be of no use.
 */
function throwIfDeviceFailed({ items, results }: AnsweredChunk): void {
  const computed = results.filter((_, index) => !(items[index]!.work instanceof QvlError))
  const [first] = computed
  const failed = computed.every((result) => result instanceof QvlError && result.status >= 500)
  if (failed && first instanceof QvlError) throw first
}

/** The error that ends a strict run, naming the line. */
function atLine(line: number, { code, details }: QvlError): QvlError {
  const named = details.what.startsWith(`Line ${line} `)
  return new QvlError(code, {
    ...details,
    what: named ? details.what : `Line ${line} cannot be answered. ${details.what}`,
  })
}
