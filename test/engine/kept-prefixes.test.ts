// Prefixes kept from batch to batch on the cpu device: the same scores for far fewer computed tokens.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { openEngine } from '#qvl/engine/engine.js'
import type { EngineOptions } from '#qvl/engine/options.js'
import { MIN_SHARED_TOKENS } from '#qvl/engine/prefix-match.js'
import type { Engine } from '#qvl/engine/requests.js'
import { goldenPath, maxDifference } from '../support/golden.js'

/** In float32. */
const maxKeptDifference = 1e-5

const words = 'A doctor explains the temperature of the sea to a small company near the old castle. '
const documents = Array.from({ length: 6 }, (_, index) => `Document ${index}: ${words.slice(index)}`)
const queries = ['first', 'second', 'third'].map((word) => `${word} ${words.repeat(6)}`)

const open = (options: Partial<EngineOptions>): Promise<Engine> =>
  openEngine({ model: goldenPath('checkpoints/qwen3-reranker'), device: 'cpu', dtype: 'float32', ...options })

describe.runIf(hasAddon())('a reranker that keeps prefixes', () => {
  let keeping: Engine
  let plain: Engine
  beforeAll(async () => {
    keeping = await open({ prefixCacheBytes: 64 * 2 ** 20 })
    plain = await open({})
  })
  afterAll(async () => {
    await keeping.close()
    await plain.close()
  })

  const computedBy = async (engine: Engine, query: string) => {
    const before = engine.counters.computedTokens
    const { scores, usage } = await engine.score({ query, documents })
    return { scores, usage, computed: engine.counters.computedTokens - before }
  }

  it('computes a query once, whichever comes between', async () => {
    const first = await computedBy(keeping, queries[0]!)
    const other = await computedBy(keeping, queries[1]!)
    const again = await computedBy(keeping, queries[0]!)
    const expected = await computedBy(plain, queries[0]!)
    // A prefix is a span of its own, so a few tokens that documents begin with alike are not shared any more.
    expect(first.computed - expected.computed).toBeLessThan(documents.length * MIN_SHARED_TOKENS)
    // The template is shared with the other query, and the query with itself.
    expect(other.computed).toBeLessThan(first.computed - 20)
    expect(again.computed).toBeLessThan(first.computed - 200)
    expect(again.usage.cachedTokens).toBe(again.usage.promptTokens - again.computed)
    expect(maxDifference(again.scores, expected.scores)).toBeLessThan(maxKeptDifference)
    expect(maxDifference(other.scores, (await computedBy(plain, queries[1]!)).scores)).toBeLessThan(maxKeptDifference)
    expect(keeping.prefixCache()).toMatchObject({ maxBytes: 64 * 2 ** 20, usedBytes: expect.any(Number) })
    expect(keeping.prefixCache().hitTokens).toBeGreaterThan(0)
  })

  it('stays right while prefixes are evicted', async () => {
    await using small = await open({ prefixCacheBytes: 400_000 })
    for (let round = 0; round < 6; round++) {
      const query = queries[round % queries.length]!
      const { scores } = await small.score({ query, documents })
      const expected = await plain.score({ query, documents })
      expect(maxDifference(scores, expected.scores)).toBeLessThan(maxKeptDifference)
      expect(small.prefixCache().usedBytes).toBeLessThanOrEqual(400_000)
    }
    expect(small.prefixCache().usedBytes).toBeGreaterThan(0)
  })

  it('gives the vectors of an embedder too', async () => {
    const model = goldenPath('checkpoints/qwen3-vl-embedding')
    await using keeping = await open({ model, prefixCacheBytes: 2 ** 20 })
    await using plain = await open({ model })
    const instruction = `Represent the input: ${words}`
    for (const content of documents) {
      const kept = await keeping.embed({ content, instruction })
      const { vector } = await plain.embed({ content, instruction })
      expect(maxDifference(kept.vector, vector)).toBeLessThan(maxKeptDifference)
    }
    expect(keeping.counters.computedTokens).toBeLessThan(plain.counters.computedTokens - 5 * 20)
  })
})
