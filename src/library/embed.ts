// Embeds one input, or a list of any length in rounds.

import type { EmbedRequest, Engine, Embedding as EngineEmbedding } from '../engine/requests.js'
import type { Embedding, Embeddings } from './answers.js'
import { Contents } from './contents.js'
import type { Input } from './input.js'
import type { EmbedOptions } from './options.js'
import { commonFields } from './request-options.js'

export async function embedOne(engine: Engine, input: Input, options: EmbedOptions): Promise<Embedding> {
  const [embedding] = await embedRound(engine, [{ input, param: 'input' }], options)
  const { vector, usage } = embedding!
  return { vector, usage }
}

export async function embedList(engine: Engine, inputs: readonly Input[], options: EmbedOptions): Promise<Embeddings> {
  // Array.from sees the holes of a list, which map leaves out.
  const named = Array.from(inputs, (input, index) => ({ input, param: `input[${index}]` }))
  const answers: EngineEmbedding[] = []
  while (answers.length < named.length) {
    const round = named.slice(answers.length, endOfRound(inputs, answers.length))
    answers.push(...(await embedRound(engine, round, options)))
  }
  const sum = (count: (answer: EngineEmbedding) => number): number =>
    answers.reduce((total, answer) => total + count(answer), 0)
  return {
    vectors: answers.map(({ vector }) => vector),
    usage: {
      promptTokens: sum(({ usage }) => usage.promptTokens),
      cachedTokens: sum(({ usage }) => usage.cachedTokens),
    },
  }
}

/** Inputs that are tokenised and queued together: enough to fill batches, and a short turn of the event loop. */
const maxInputsPerRound = 256

/** Of those, inputs that may have images or videos, whose files are in memory together. */
const maxMediaInputsPerRound = 32

/** Depends on the inputs alone, so that the same list is computed in the same batches. */
function endOfRound(inputs: readonly Input[], start: number): number {
  let numMedia = 0
  let end = start
  for (; end < inputs.length && end - start < maxInputsPerRound; end++) {
    if (typeof inputs[end] === 'string') continue
    if (numMedia === maxMediaInputsPerRound) break
    numMedia++
  }
  return end
}

interface NamedInput {
  input: Input
  /** What errors call it. */
  param: string
}

async function embedRound(
  engine: Engine,
  round: readonly NamedInput[],
  { signal, role, promptName, promptFormat, dimensions, useActivation, ...others }: EmbedOptions,
): Promise<EngineEmbedding[]> {
  signal?.throwIfAborted()
  const contents = new Contents()
  const common = { ...commonFields(others), role, promptName, promptFormat, dimensions, useActivation }
  const asked = round.map(({ input, param }) => ({ content: contents.of(input, param), param }))
  const named = asked.map((each) => ({ ...each, settings: common.visualSettings }))
  const { facts: visuals, byKey } = await engine.loadVisuals(named, signal, contents.attachments)
  const tasks = asked.map((each) => engine.preparer.embed({ ...each, ...common, visuals } satisfies EmbedRequest))
  return Promise.all(engine.submit(tasks, { signal, visuals: byKey, together: true }))
}
