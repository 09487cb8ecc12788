// Chunks of input lines, parsed and tokenised: where a chunk ends depends on nothing but the lines in it.

import { parseJsonText } from '../api/json-text.js'
import { asQvlError, type QvlError } from '../errors.js'
import { batchLine, isBatchLine } from './batch-lines.js'
import { embedLine } from './embed-lines.js'
import { type LineContext, type LineForm, lineFailure, type Work } from './item.js'
import type { InputPosition, Line, LineReader } from './lines.js'
import { scoreLine } from './score-lines.js'

export interface ChunkLimits {
  /**
   * Prompt tokens after which a chunk is full. The device idles for a moment between chunks, so there should be several
   * batches in one; and what a crash loses is one chunk, so there should not be many.
   */
  maxTokens: number
  /** Lines after which a chunk is full; bounds the answers in memory when lines are short or bad. */
  maxLines: number
}

export const defaultChunkLimits: ChunkLimits = { maxTokens: 16_384, maxLines: 1_024 }

/** An input line as it goes through a run. */
export interface Item {
  /** Line number in the input, from 1. */
  line: number
  /** Position in the output, from 0. */
  index: number
  /** An error when the line asks for something wrong. */
  work: Work | QvlError
  failure: LineForm['failure']
}

export interface Chunk {
  items: readonly Item[]
  /** The input after the last line of the chunk. */
  end: InputPosition
}

/** The next chunk, undefined at the end. `strict` ends a chunk at a bad line, since nothing after it will be needed. */
export async function takeChunk(
  reader: LineReader,
  firstIndex: number,
  context: LineContext,
  { maxTokens, maxLines, strict }: ChunkLimits & { strict: boolean },
): Promise<Chunk | undefined> {
  const items: Item[] = []
  let tokens = 0
  while (items.length < maxLines && tokens < maxTokens) {
    const line = await reader.next()
    if (line === undefined) break
    const item = readItem(line, firstIndex + items.length, context)
    items.push(item)
    if ('tasks' in item.work) tokens += item.work.tasks.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
    else if (strict) break
  }
  return items.length === 0 ? undefined : { items, end: reader.position }
}

function readItem(line: Line, index: number, context: LineContext): Item {
  let failure: Item['failure'] = (error) => lineFailure({ index }, error)
  try {
    if (typeof line.text !== 'string') throw line.text
    const form = readForm(parseJsonText(line.text, `Line ${line.number}`), index, context)
    failure = form.failure
    return { line: line.number, index, work: form.prepare(), failure }
  } catch (error) {
    return { line: line.number, index, work: asQvlError(error), failure }
  }
}

function readForm(value: unknown, index: number, context: LineContext): LineForm {
  if (isBatchLine(value)) return batchLine(value, index, context)
  return context.command === 'score' ? scoreLine(value, index, context) : embedLine(value, index, context)
}
