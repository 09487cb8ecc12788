import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cosine, type EmbedCase, floats, maxDifference, type ScoreCase, textCases } from '../support/golden.js'
import { type ContractServer, startContractServer } from './support/server.js'

/** float32 against the reference; batches change the last digits. */
const maxScoreError = 1e-4
const minCosine = 0.99999
const maxElementError = 2e-5

/** The reference reads special tokens in texts; a server takes them literally unless told otherwise. */
const asReference = { specialTokensInText: 'parse' } as const

async function post(server: ContractServer, path: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  const answer: unknown = await response.json()
  if (response.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`)
  return answer
}

interface Usage {
  prompt_tokens: number
  total_tokens: number
}

/** VL golden cases give the text of a side as an object; SGLang and vLLM send it as parts. */
const wire = (side: ScoreCase['input']['query']): unknown => {
  if (typeof side === 'string') return side
  const { text = [] } = side
  return { content: [text].flat().map((each) => ({ type: 'text', text: each })) }
}

describe.each(['qwen3-reranker', 'qwen3-reranker-seq-cls', 'qwen3-vl-reranker'])('the scores of %s', (checkpoint) => {
  let server: ContractServer
  beforeAll(async () => {
    server = await startContractServer(checkpoint, { engine: asReference })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const cases = textCases<ScoreCase>(checkpoint).filter(({ input }) => input.max_length === undefined)
  const request = ({ input }: ScoreCase) => ({
    query: wire(input.query),
    documents: [wire(input.document)],
    ...(input.instruction !== null && { instruction: input.instruction }),
  })

  it('has cases', () => expect(cases.length).toBeGreaterThan(2))

  it.each(cases.map((each) => [each.id, each] as const))('%s by /rerank', async (_id, example) => {
    const answer = (await post(server, '/rerank', request(example))) as {
      usage: Usage
      results: { relevance_score: number }[]
    }
    expect(Math.abs(answer.results[0]!.relevance_score - example.score)).toBeLessThan(maxScoreError)
    expect(answer.usage.prompt_tokens).toBe(example.input_ids.length)
  })

  it.each(cases.map((each) => [each.id, each] as const))('%s by /score, raw', async (_id, example) => {
    const { query, documents, ...rest } = request(example)
    const body = { text_1: query, text_2: documents, use_activation: false, ...rest }
    const answer = (await post(server, '/score', body)) as { data: { score: number }[] }
    expect(Math.abs(answer.data[0]!.score - example.logit_diff)).toBeLessThan(maxScoreError)
  })

  it.each(cases.map((each) => [each.id, each] as const))('%s by /classify of its ids', async (_id, example) => {
    const answer = (await post(server, '/classify', { input: example.input_ids })) as { data: { probs: number[] }[] }
    expect(Math.abs(answer.data[0]!.probs[0]! - example.score)).toBeLessThan(maxScoreError)
  })

  it('the same in one request of many pairs', async () => {
    const plain = cases.filter(({ input }) => input.instruction === null)
    const body = {
      data_1: plain.map(({ input }) => wire(input.query)),
      data_2: plain.map(({ input }) => wire(input.document)),
    }
    const answer = (await post(server, '/v1/score', body)) as { data: { score: number }[]; usage: Usage }
    const scores = answer.data.map(({ score }) => score)
    expect(
      maxDifference(
        scores,
        plain.map(({ score }) => score),
      ),
    ).toBeLessThan(maxScoreError)
    expect(answer.usage.total_tokens).toBe(plain.reduce((sum, { input_ids }) => sum + input_ids.length, 0))
  })
})

describe.each(['qwen3-vl-embedding'])('the vectors of %s', (checkpoint) => {
  let server: ContractServer
  beforeAll(async () => {
    server = await startContractServer(checkpoint, { engine: asReference })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const cases = textCases<EmbedCase>(checkpoint).filter(({ input }) => input.max_length === undefined)

  it('has cases', () => expect(cases.length).toBeGreaterThan(2))

  it.each(cases.map((each) => [each.id, each] as const))('%s by a conversation', async (_id, { input, ...example }) => {
    const system = input.instruction ?? "Represent the user's input."
    const content = [input.text ?? []].flat().map((text) => ({ type: 'text', text }))
    const messages = [
      { role: 'system', content: [{ type: 'text', text: system }] },
      { role: 'user', content },
      { role: 'assistant', content: [{ type: 'text', text: '' }] },
    ]
    const body = { messages, continue_final_message: true, add_special_tokens: true }
    const answer = (await post(server, '/v1/embeddings', body)) as { data: { embedding: number[] }[]; usage: Usage }
    const expected = floats(example.embedding)
    expect(cosine(answer.data[0]!.embedding, expected)).toBeGreaterThan(minCosine)
    expect(maxDifference(answer.data[0]!.embedding, expected)).toBeLessThan(maxElementError)
    expect(answer.usage.prompt_tokens).toBe(example.input_ids.length)
  })
})

describe('the vectors of qwen3-embedding', () => {
  let server: ContractServer
  beforeAll(async () => {
    server = await startContractServer('qwen3-embedding', { engine: asReference })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const cases = textCases<EmbedCase>('qwen3-embedding').filter(({ input }) => input.max_length === undefined)
  const ids = cases.map(({ input_ids }) => input_ids)

  it('by token ids, in every format', async () => {
    const vectors: ArrayLike<number>[][] = []
    for (const encoding_format of ['float', 'base64']) {
      const answer = (await post(server, '/v1/embeddings', { input: ids, encoding_format })) as {
        data: { embedding: number[] | string }[]
      }
      vectors.push(answer.data.map(({ embedding }) => (typeof embedding === 'string' ? decode(embedding) : embedding)))
    }
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ input: ids, encoding_format: 'bytes' })
    const response = await fetch(`${server.url}/v1/embeddings`, { method: 'POST', headers, body })
    const bytes = await response.arrayBuffer()
    const { data } = JSON.parse(response.headers.get('metadata') ?? '') as { data: { start: number; end: number }[] }
    vectors.push(data.map(({ start, end }) => new Float32Array(bytes.slice(start, end))))
    for (const each of vectors) {
      expect(each).toHaveLength(cases.length)
      for (const [index, vector] of each.entries()) {
        const expected = floats(cases[index]!.embedding)
        expect(maxDifference(vector, expected)).toBeLessThan(maxElementError)
      }
    }
  })

  it('by rerank are cosines', async () => {
    const { query, documents } = { query: 'red castle', documents: ['a castle', 'bread'] }
    const answer = (await post(server, '/rerank', { query, documents })) as {
      results: { index: number; relevance_score: number }[]
    }
    const { scores } = await server.engine.score({ query, documents })
    for (const { index, relevance_score } of answer.results) {
      expect(Math.abs(relevance_score - scores[index]!)).toBeLessThan(maxScoreError)
    }
  })
})

const decode = (base64: string): Float32Array => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)
