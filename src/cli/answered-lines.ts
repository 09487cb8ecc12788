// Input lines with the engine's own answers, for output meant for people: explanations and tables.

import type { RequestDefaults } from '../api/request-options.js'
import type { Engine } from '../engine/requests.js'
import { asQvlError, QvlError } from '../errors.js'
import { type Chunk, defaultChunkLimits, takeChunk } from '../offline/chunks.js'
import type { Answer, Item } from '../offline/item.js'
import { LineReader } from '../offline/lines.js'
import { PreparedLines } from '../offline/prepared-lines.js'
import type { LinesCommandName } from './flag.js'

interface Asked {
  engine: Engine
  command: LinesCommandName
  input: AsyncIterable<Uint8Array>
  defaults: RequestDefaults
  signal: AbortSignal
  strict: boolean
}

export interface AnsweredLine {
  item: Item
  answers: readonly Answer[]
}

/** Each line with its answers, or with why there are none; with `strict`, that ends it. */
export async function* answeredLines(asked: Asked): AsyncGenerator<AnsweredLine | { item: Item; error: QvlError }> {
  const { engine, command, input, defaults, signal, strict } = asked
  const context = { engine, command, format: 'jsonl', defaults, explain: true } as const
  const lines = new PreparedLines(new LineReader(input), 0, { context, signal })
  for (;;) {
    const chunk = await takeChunk(lines, { ...defaultChunkLimits, strict })
    if (chunk === undefined) return
    const pending = chunk.items.map((item) => answerOf(item, chunk, { engine, signal }))
    for (const [position, item] of chunk.items.entries()) {
      const answers = await pending[position]!
      signal.throwIfAborted()
      if (!(answers instanceof QvlError)) yield { item, answers }
      else if (strict) throw answers
      else yield { item, error: answers }
    }
  }
}

/** Never rejects, so that one line of a chunk may fail before another is awaited. */
async function answerOf(
  { work }: Item,
  { visuals }: Chunk,
  { engine, signal }: Pick<Asked, 'engine' | 'signal'>,
): Promise<readonly Answer[] | QvlError> {
  if (work instanceof QvlError) return work
  try {
    return await Promise.all(engine.submit(work.tasks, { signal, visuals }))
  } catch (error) {
    return asQvlError(error)
  }
}
