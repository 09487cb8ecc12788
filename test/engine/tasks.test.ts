import { expect, it } from 'vitest'
import { embedTask, type TaskContext } from '#qvl/engine/tasks.js'
import type { EmbedFormat } from '#qvl/prompts/prompt.js'
import { template } from '#qvl/text/rich-text.js'
import { openTokenizer } from '#qvl/text/tokenizer.js'
import { goldenPath } from '../support/golden.js'

/** A format whose prompt is the given ids. */
const formatOf = (ids: number[]): EmbedFormat => ({
  kind: 'embed',
  name: 'ids',
  embed: () => ({ text: [template('')], ids: Int32Array.from(ids), prefixTokens: 0 }),
})

it('refuses a token that the tokenizer knows and the embedding table does not', async () => {
  const tokenizer = await openTokenizer(goldenPath('checkpoints/qwen3-embedding'))
  const context: TaskContext = {
    name: 'm',
    architecture: 'M',
    readsMedia: false,
    tokenizer,
    maxModelLen: 8,
    vocabSize: 10,
    hidden: 4,
    widths: undefined,
    promptFormat: 'official',
    defaultRole: undefined,
    lateInteraction: false,
  }
  const task = (ids: number[]) => embedTask(formatOf(ids), context, { content: 'x' }, {})
  expect(task([1, 9]).promptTokens).toBe(2)
  expect(() => task([1, 10])).toThrowError(/Token id 10 is out of vocabulary/)
})
