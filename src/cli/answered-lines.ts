// Input lines with the engine's own answers, for output meant for people: explanations and tables.

import type { RequestDefaults } from '../api/request-options.js'
import type { Engine } from '../engine/requests.js'
import { asQvlError, QvlError } from '../errors.js'
import { defaultChunkLimits, type Item, takeChunk } from '../offline/chunks.js'
import type { Answer } from '../offline/item.js'
import { LineReader } from '../offline/lines.js'
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
  const reader = new LineReader(input)
  const context = { engine, command, format: 'jsonl', defaults, explain: true } as const
  for (let index = 0; ; ) {
    const chunk = await takeChunk(reader, index, context, { ...defaultChunkLimits, strict })
    if (chunk === undefined) return
    index += chunk.items.length
    const pending = chunk.items.map((item) => answerOf(item, engine, signal))
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
async function answerOf({ work }: Item, engine: Engine, signal: AbortSignal): Promise<readonly Answer[] | QvlError> {
  if (work instanceof QvlError) return work
  try {
    return await Promise.all(engine.submit(work.tasks, { signal }))
  } catch (error) {
    return asQvlError(error)
  }
}
