import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { openEngine } from '#qvl/engine/engine.js'
import type { Engine } from '#qvl/engine/requests.js'
import { type EmbedCase, goldenPath, maxDifference, type ScoreCase, textCases } from '../support/golden.js'

const checkpoint = (name: string): string => goldenPath(`checkpoints/${name}`)

/** The same vector alone, in any batch, with and without a shared prefix: the published promise, in float32. */
const maxBatchDifference = 1e-5

const words = 'A doctor explains the temperature of the sea to a small company near the old castle. '
const documents = Array.from({ length: 50 }, (_, index) => `Document ${index}: ${words.slice(index)}`)
const query = words.repeat(13)

const devices = hasAddon() ? (['reference', 'ort', 'cpu'] as const) : (['reference', 'ort'] as const)

describe.each(devices)('batches on %s', (device) => {
  let reranker: Engine
  let embedder: Engine
  beforeAll(async () => {
    reranker = await openEngine({ model: checkpoint('qwen3-reranker'), device, dtype: 'float32' })
    embedder = await openEngine({ model: checkpoint('qwen3-embedding'), device, dtype: 'float32' })
  })
  afterAll(async () => {
    await reranker.close()
    await embedder.close()
  })

  it('a rerank of 50 documents computes the query once', async () => {
    const before = { ...reranker.counters }
    const task = reranker.preparer.score({ query, documents })
    const { scores, usage, timing } = await reranker.submit([task])[0]!
    const computed = reranker.counters.computedTokens - before.computedTokens
    const [first, second] = task.sequences.map(({ ids }) => ids)
    let prefix = 0
    while (first![prefix] === second![prefix]) prefix++
    expect(prefix).toBeGreaterThan(300)
    // Each document pays for what follows the common prefix, and nothing else is computed.
    const own = task.sequences.reduce((sum, { ids }) => sum + ids.length - prefix, 0)
    expect(computed).toBeLessThanOrEqual(prefix + own)
    expect(computed).toBeGreaterThan(own / 2)
    expect(usage.promptTokens).toBe(50 * prefix + own)
    expect(usage.promptTokens - usage.cachedTokens).toBe(computed)
    expect(scores).toHaveLength(50)
    expect(timing.runMs).toBeGreaterThan(0)
  })

  it('scores are those of the pairs alone', async () => {
    const some = documents.slice(0, 8)
    const together = await reranker.score({ query, documents: some })
    for (const [index, document] of some.entries()) {
      const alone = await reranker.score({ query, documents: [document] })
      expect(Math.abs(alone.scores[0]! - together.scores[index]!)).toBeLessThan(maxBatchDifference)
      expect(alone.usage.cachedTokens).toBe(0)
    }
  })

  it('vectors are the same alone, in a batch, and beside a longer text with the same beginning', async () => {
    const texts = [...textCases<EmbedCase>('qwen3-embedding').map(({ input }) => input.text as string), words, query]
    const alone: Float32Array[] = []
    for (const content of texts) alone.push((await embedder.embed({ content })).vector)
    const order = [...texts.keys()].reverse()
    const tasks = order.map((index) => embedder.preparer.embed({ content: texts[index]! }))
    const batched = await Promise.all(embedder.submit(tasks))
    for (const [at, index] of order.entries()) {
      expect(maxDifference(batched[at]!.vector, alone[index]!)).toBeLessThan(maxBatchDifference)
    }
  })

  it('the same submission gives the same bits', async () => {
    const run = () => reranker.score({ query, documents: documents.slice(0, 20) })
    expect((await run()).scores).toEqual((await run()).scores)
  })

  it('small batches give the scores of a large one', async () => {
    const small = await openEngine({
      model: checkpoint('qwen3-reranker'),
      device,
      dtype: 'float32',
      maxNumBatchedTokens: 64,
    })
    const some = documents.slice(0, 5)
    const large = await reranker.score({ query: 'short', documents: some })
    const { scores } = await small.score({ query: 'short', documents: some })
    expect(maxDifference(scores, large.scores)).toBeLessThan(maxBatchDifference)
    await small.close()
  })
})

describe('an engine', () => {
  it('answers scores of an embedding model by cosine', async () => {
    const engine = await openEngine({ model: checkpoint('qwen3-embedding'), device: 'ort' })
    const texts = ['What is the capital of Japan?', 'The capital of Japan is Tokyo.']
    const { scores } = await engine.score({ query: texts[0]!, documents: [texts[1]!, texts[0]!] })
    const q = await engine.embed({
      content: texts[0]!,
      instruction: 'Given a web search query, retrieve relevant passages that answer the query',
    })
    const d = await engine.embed({ content: texts[1]! })
    const dot = q.vector.reduce((sum, value, i) => sum + value * d.vector[i]!, 0)
    expect(Math.abs(scores[0]! - dot)).toBeLessThan(1e-6)
    await engine.close()
  })

  it('keeps strings that look like special tokens as text', async () => {
    const engine = await openEngine({ model: checkpoint('qwen3-reranker'), device: 'ort' })
    const example = textCases<ScoreCase>('qwen3-reranker').find(({ id }) => id === 'special')!
    const { query, document } = example.input as { query: string; document: string }
    const { texts, sequences } = engine.preparer.score({ query, documents: [document] }, { texts: true })
    expect(texts![0]).toBe(example.prompt)
    expect(sequences[0]!.ids.length).toBeGreaterThan(example.input_ids.length)
    await engine.close()
  })

  it('raw logits with useActivation false', async () => {
    const engine = await openEngine({ model: checkpoint('qwen3-reranker'), device: 'ort' })
    const request = { query: 'cat', documents: ['dog'] }
    const raw = await engine.score({ ...request, useActivation: false })
    const probability = await engine.score(request)
    expect(1 / (1 + Math.exp(-raw.scores[0]!))).toBeCloseTo(probability.scores[0]!, 12)
    await engine.close()
  })

  it('drops what an aborted request has queued and answers the next one', async () => {
    const engine = await openEngine({ model: checkpoint('qwen3-reranker'), device: 'ort', maxNumBatchedTokens: 256 })
    const abort = new AbortController()
    const before = engine.counters.computedTokens
    const run = engine.score({ query, documents }, { signal: abort.signal })
    abort.abort()
    await expect(run).rejects.toThrow()
    const { scores } = await engine.score({ query: 'cat', documents: ['dog'] })
    expect(scores[0]).toBeCloseTo(0.15284, 4)
    expect(engine.counters.computedTokens - before).toBeLessThan(2000)
    await engine.close()
  })

  it('answers what is queued when it is closed, and takes no more', async () => {
    const engine = await openEngine({ model: checkpoint('qwen3-reranker'), device: 'ort' })
    const queued = engine.score({ query: 'cat', documents: ['dog'] })
    await engine.close()
    expect((await queued).scores[0]).toBeCloseTo(0.15284, 4)
    await expect(engine.score({ query: 'cat', documents: ['dog'] })).rejects.toMatchObject({ code: 'NOT_READY' })
    await engine.close()
  })

  it.each([
    ['no embeddings from a reranker', 'qwen3-reranker', (e: Engine) => e.preparer.embed({ content: 'x' })],
    ['too many dimensions', 'qwen3-embedding', (e: Engine) => e.preparer.embed({ content: 'x', dimensions: 65 })],
    ['no dimensions', 'qwen3-embedding', (e: Engine) => e.preparer.embed({ content: 'x', dimensions: 0 })],
    [
      'a cut above the limit',
      'qwen3-embedding',
      (e: Engine) => e.preparer.embed({ content: 'x', truncatePromptTokens: 65 }),
    ],
  ])('refuses %s', async (_, name, prepare) => {
    const engine = await openEngine({ model: checkpoint(name), device: 'reference', maxModelLen: 64 })
    expect(() => prepare(engine)).toThrowError(expect.objectContaining({ code: 'REQUEST_INVALID' }))
    await engine.close()
  })

  it('names the document that is too long', async () => {
    const engine = await openEngine({ model: checkpoint('qwen3-reranker'), device: 'reference', maxModelLen: 200 })
    expect(() => engine.preparer.score({ query: 'cat', documents: ['dog', query] })).toThrowError(
      expect.objectContaining({ code: 'INPUT_TOO_LONG', details: expect.objectContaining({ param: 'documents[1]' }) }),
    )
    await engine.close()
  })
})
