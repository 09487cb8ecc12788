import { expect, it } from 'vitest'
import { embedTask } from '#qvl/engine/tasks.js'
import type { EmbedFormat } from '#qvl/prompts/prompt.js'
import { template } from '#qvl/text/rich-text.js'

/** A format whose prompt is the given ids. */
const formatOf = (ids: number[]): EmbedFormat => ({
  kind: 'embed',
  name: 'ids',
  embed: () => ({ text: [template('')], ids: Int32Array.from(ids) }),
})

it('refuses a token that the tokenizer knows and the embedding table does not', () => {
  const context = { maxModelLen: 8, vocabSize: 10, hidden: 4 }
  expect(embedTask(formatOf([1, 9]), context, { content: 'x' }).promptTokens).toBe(2)
  expect(() => embedTask(formatOf([1, 10]), context, { content: 'x' })).toThrowError(/Token id 10 is out of vocabulary/)
})
