// The golden texts and encoders through the npu device, on the software AscendCL.

import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import type { EngineOptions } from '#qvl/engine/options.js'
import type { EmbedRequest, Engine, ScoreRequest } from '#qvl/engine/requests.js'
import type { Content } from '#qvl/prompts/content.js'
import { describeSoftware, SoftwareAscend } from '../../npu/software.js'
import {
  cosine,
  type EmbedCase,
  floats,
  goldenPath,
  maxDifference,
  readGolden,
  type ScoreCase,
  type StoredArray,
  textCases,
  type VlContent,
} from '../../support/golden.js'

/** float32 on both sides. */
const minCosine = 0.99999
const maxDifferenceOf = { numbers: 1e-4, scores: 1e-4 }

/** Enough for all texts of decoders; what is compiled for fewer tokens is compiled sooner. */
const maxModelLen = 1024

/** As in test/engine/golden.test.ts: cut prompts of the VL goldens lose text that is kept here. */
const cutOtherwise = ['truncated', 'truncated-text']

interface EncoderCase {
  id: string
  input: { text: string; query?: string; document?: string; max_length?: number; truncation?: string }
  embedding: StoredArray
  score: number
}

const encoderCases = (name: string): EncoderCase[] => readGolden<{ cases: EncoderCase[] }>(`${name}/cases.json`).cases

const textOf = (side: string | VlContent): Content =>
  typeof side === 'string' ? side : [side.text ?? []].flat().map((text) => ({ type: 'text' as const, text }))

describeSoftware('the goldens on npu', () => {
  const software = new SoftwareAscend().applyHere()
  process.env.QVL_CACHE = path.join(software.folder, 'cache')
  afterAll(() => {
    expect(software.report()).toEqual([])
    software.remove()
  })

  let engine: Engine
  const opened = (name: string, options: Partial<EngineOptions> = {}): void => {
    beforeAll(async () => {
      const model = goldenPath(`checkpoints/${name}`)
      engine = await openEngine({ model, device: 'npu', dtype: 'float32', ...options })
    }, 60_000)
    afterAll(() => engine.close())
  }

  const expectVector = async (request: EmbedRequest, expected: StoredArray): Promise<void> => {
    const { vector } = await engine.embed(request)
    expect(cosine(vector, floats(expected))).toBeGreaterThan(minCosine)
    expect(maxDifference(vector, floats(expected))).toBeLessThan(maxDifferenceOf.numbers)
  }

  const expectScore = async (request: ScoreRequest, expected: number): Promise<void> => {
    const { scores } = await engine.score(request)
    expect(Math.abs(scores[0]! - expected)).toBeLessThan(maxDifferenceOf.scores)
  }

  describe.each(['qwen3-embedding', 'qwen3-vl-embedding'])('%s, texts', (name) => {
    opened(name, { specialTokensInText: 'parse', maxModelLen })
    const cases = textCases<EmbedCase>(name).filter(({ id }) => !name.includes('vl') || !cutOtherwise.includes(id))
    it.each(cases)('$id', async ({ input, embedding }) => {
      const instruction = input.role === 'query' ? input.task : input.instruction
      await expectVector({ content: textOf(input), instruction, truncatePromptTokens: input.max_length }, embedding)
    })
  })

  describe.each(['qwen3-reranker', 'qwen3-reranker-seq-cls', 'qwen3-vl-reranker'])('%s, texts', (name) => {
    opened(name, { specialTokensInText: 'parse', maxModelLen })
    const cases = textCases<ScoreCase>(name).filter(({ id }) => !name.includes('vl') || !cutOtherwise.includes(id))
    it.each(cases)('$id', async ({ input, score }) => {
      const { query, document, max_length: truncatePromptTokens } = input
      const instruction = input.instruction ?? undefined
      await expectScore(
        { query: textOf(query), documents: [textOf(document)], instruction, truncatePromptTokens },
        score,
      )
    })
  })

  describe.each(['bert-embedding', 'xlm-roberta-embedding'])('%s', (name) => {
    opened(name, { specialTokensInText: 'parse' })
    it.each(encoderCases(name))('$id', async ({ input, embedding }) => {
      await expectVector({ content: input.text, truncatePromptTokens: -1 }, embedding)
    })
  })

  describe('xlm-roberta-reranker', () => {
    opened('xlm-roberta-reranker', { specialTokensInText: 'parse' })
    const cases = encoderCases('xlm-roberta-reranker').filter(({ input }) => input.truncation !== 'only_second')
    it.each(cases)('$id', async ({ input, score }) => {
      const { query = '', document = '', max_length: truncatePromptTokens } = input
      await expectScore({ query, documents: [document], truncatePromptTokens }, score)
    })
  })
})
