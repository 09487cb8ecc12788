// The table from which a reranker takes the rows of its yes and no.

import { describe, expect, it } from 'vitest'
import type { WeightTable } from '#qvl/checkpoint/weights.js'
import { tokenHead } from '#qvl/models/token-head.js'

const shape = [3, 2]
const embedding = { dtype: 'F32', shape, data: Float32Array.of(0, 0, 1, 2, 4, 8) } as const
const stored = { dtype: 'F32', shape, data: Float32Array.of(0, 0, 10, 20, 40, 80) } as const
const tied: WeightTable = new Map([['embed_tokens.weight', embedding]])
const both: WeightTable = new Map([...tied, ['lm_head.weight', stored]])

describe('a head of two tokens', () => {
  it.each<[string, WeightTable, boolean | undefined, number[]]>([
    ['tied', tied, true, [3, 6]],
    ['tied, with a head that is stored as well', both, true, [3, 6]],
    ['untied', both, false, [30, 60]],
    ['nothing said, one table', tied, undefined, [3, 6]],
    ['nothing said, two tables', both, undefined, [30, 60]],
  ])('%s', async (_, weights, tiedEmbeddings, expected) => {
    const { weights: made } = await tokenHead(weights, [1, 2], tiedEmbeddings)
    expect(made.get('score.weight')).toMatchObject({ shape: [1, 2], data: Float32Array.from(expected) })
  })

  it('untied and not stored, as in Qwen3-VL-Embedding-8B', async () => {
    await expect(tokenHead(tied, [1, 2], false)).rejects.toMatchObject({
      code: 'TENSOR_MISSING',
      details: { param: 'lm_head.weight', do: expect.stringContaining('--convert embed') },
    })
  })
})
