import { CohereClient, CohereClientV2, CohereError } from 'cohere-ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbedCase, floats, maxDifference, type ScoreCase, textCases } from '../support/golden.js'
import { type ServerProcess, startServer } from '../support/server.js'

/** Against the golden numbers, which are float32. */
const scoreTolerance = 1e-4
const vectorTolerance = 2e-5

/** Golden documents with one query, and their scores. */
const query = 'What is the capital of Japan?'
const scored = textCases<ScoreCase>('qwen3-reranker').filter(({ input }) => input.query === query)
const documents = scored.map(({ input }) => String(input.document))
const best = scored.map(({ score }, index) => ({ index, score })).sort((a, b) => b.score - a.score)

/** Without the one whose special tokens the reference takes for such; here they are text. */
const embedCases = textCases<EmbedCase>('qwen3-embedding').filter(
  ({ id, input }) => input.role === 'document' && !['truncated', 'special'].includes(id),
)
const texts = embedCases.map(({ input }) => String(input.text))

const model = 'the-model'
const args = ['--served-model-name', model]

let reranker: ServerProcess
let embedder: ServerProcess
beforeAll(async () => {
  reranker = await startServer('qwen3-reranker', { args })
  embedder = await startServer('qwen3-embedding', { args })
})
afterAll(async () => {
  await Promise.all([reranker?.stop(), embedder?.stop()])
})

const options = ({ url }: ServerProcess) => ({ environment: url, token: 'none', maxRetries: 0 })

function expectBest(results: readonly { index: number; relevanceScore: number }[], count = best.length): void {
  expect(results.map(({ index }) => index)).toEqual(best.slice(0, count).map(({ index }) => index))
  for (const [rank, { relevanceScore }] of results.entries()) {
    expect(Math.abs(relevanceScore - best[rank]!.score)).toBeLessThan(scoreTolerance)
  }
}

it('there is something to rank', () => {
  expect(best.length).toBeGreaterThan(1)
})

describe('rerank', () => {
  it('version 1, with texts', async () => {
    const client = new CohereClient(options(reranker))
    const { results, id } = await client.rerank({ model, query, documents })
    expectBest(results)
    expect(id).toMatch(/^score-/)
  })

  it('version 1, with objects that come back', async () => {
    const client = new CohereClient(options(reranker))
    const { results } = await client.rerank({
      model,
      query,
      documents: documents.map((text) => ({ text })),
      returnDocuments: true,
      topN: 1,
    })
    expectBest(results, 1)
    expect(results[0]?.document?.text).toBe(documents[best[0]!.index])
  })

  it('version 1, without the documents', async () => {
    const client = new CohereClient(options(reranker))
    const { results } = await client.rerank({ query, documents, returnDocuments: false, maxChunksPerDoc: 10 })
    expectBest(results)
    expect(results.map(({ document }) => document)).toEqual(documents.map(() => undefined))
  })

  it('version 2', async () => {
    const client = new CohereClientV2(options(reranker))
    const { results } = await client.rerank({
      model,
      query,
      documents,
      topN: 1,
      maxTokensPerDoc: 4096,
      priority: 0,
    })
    expectBest(results, 1)
  })

  it('a wrong request has a status and a body', async () => {
    const client = new CohereClientV2(options(reranker))
    const error = await client.rerank({ model: 'unknown', query, documents }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(CohereError)
    expect(error).toMatchObject({ statusCode: 404, body: { error: { type: 'NotFoundError' } } })
  })
})

describe('embed, version 2', () => {
  const base = { inputType: 'search_document', texts } as const

  it('as floats', async () => {
    const client = new CohereClientV2(options(embedder))
    const { embeddings, texts: echoed } = await client.embed({
      ...base,
      model,
      embeddingTypes: ['float'],
    })
    for (const [index, { id, embedding }] of embedCases.entries()) {
      expect(maxDifference(embeddings.float?.[index] ?? [], floats(embedding)), id).toBeLessThan(vectorTolerance)
    }
    expect(echoed).toEqual(texts)
  })

  it('of a question, with the model’s own instruction', async () => {
    const client = new CohereClientV2(options(embedder))
    const golden = textCases<EmbedCase>('qwen3-embedding').find(({ id }) => id === 'query')!
    const { embeddings } = await client.embed({
      model,
      inputType: 'search_query',
      texts: [String(golden.input.text)],
      embeddingTypes: ['float'],
    })
    expect(maxDifference(embeddings.float?.[0] ?? [], floats(golden.embedding))).toBeLessThan(vectorTolerance)
  })

  it('as base64 and bits', async () => {
    const client = new CohereClientV2(options(embedder))
    const { embeddings } = await client.embed({
      ...base,
      model,
      embeddingTypes: ['base64', 'binary', 'ubinary'],
    })
    for (const [index, { id, embedding }] of embedCases.entries()) {
      const expected = floats(embedding)
      const bytes = Buffer.from(embeddings.base64?.[index] ?? '', 'base64')
      const decoded = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at))
      expect(maxDifference(decoded, expected), id).toBeLessThan(vectorTolerance)
      const bits = packedSigns(decoded)
      expect(embeddings.ubinary?.[index], id).toEqual(bits)
      expect(embeddings.binary?.[index], id).toEqual(bits.map((byte) => byte - 128))
    }
  })
})

/** Eight signs to a byte, the first one in the highest bit. */
function packedSigns(vector: readonly number[]): number[] {
  return Array.from({ length: vector.length / 8 }, (_, byte) =>
    vector.slice(8 * byte, 8 * byte + 8).reduce((bits, value) => 2 * bits + (value >= 0 ? 1 : 0), 0),
  )
}
