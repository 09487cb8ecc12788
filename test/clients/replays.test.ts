// What popular clients send, byte for byte as their sources write it, read the way they read the answer.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ScoreCase, textCases } from '../support/golden.js'
import { type ServerProcess, startServer } from '../support/server.js'

const tolerance = 1e-4
const query = 'What is the capital of Japan?'
const scored = textCases<ScoreCase>('qwen3-reranker').filter(({ input }) => input.query === query)
const documents = scored.map(({ input }) => String(input.document))
const scores = scored.map(({ score }) => score)
const best = scores.indexOf(Math.max(...scores))

const model = 'the-model'

let server: ServerProcess
beforeAll(async () => {
  server = await startServer('qwen3-reranker', { args: ['--served-model-name', model] })
})
afterAll(() => server?.stop())

interface Result {
  index: number
  relevance_score: number
  document?: string | { text?: string | null; multi_modal?: unknown }
}

interface Answer {
  id: string
  model: string
  usage: { total_tokens: number; prompt_tokens: number }
  results: Result[]
}

interface Replay {
  client: string
  path: string
  headers?: Record<string, string>
  body: Record<string, unknown>
  /** What the client makes of the answer: a score for each document it asked for, in the order of its list. */
  read: (answer: Answer) => (number | undefined)[]
  expected?: number[]
}

const all = documents.length
const byIndex = ({ results }: Answer): number[] =>
  [...results].sort((a, b) => a.index - b.index).map((result) => result.relevance_score)

const textOf = ({ document }: Result): string | null | undefined =>
  typeof document === 'object' ? document.text : document

const replays: Replay[] = [
  {
    client: 'Open WebUI, which needs every index',
    path: '/v1/rerank',
    headers: { authorization: 'Bearer sk-1234' },
    body: { model, query, documents, top_n: all },
    read: byIndex,
  },
  {
    client: 'Dify, whose top_n may be null',
    path: '/v1/rerank',
    headers: { authorization: 'Bearer none' },
    body: { model, query, documents, top_n: null, return_documents: true },
    read: ({ results }) => documents.map((text) => results.find((result) => textOf(result) === text)?.relevance_score),
  },
  {
    client: 'Dify with an endpoint that has no /v1',
    path: '/rerank',
    body: { model, query, documents, top_n: all, return_documents: true },
    read: ({ results }) => documents.map((text) => results.find((result) => textOf(result) === text)?.relevance_score),
  },
  {
    client: 'LangChain and LlamaIndex, as JinaRerank',
    path: '/v1/rerank',
    headers: { 'accept-encoding': 'identity' },
    body: { query, documents, model, top_n: 1 },
    read: ({ results }) => results.map((result) => result.relevance_score),
    expected: [scores[best]!],
  },
  {
    client: 'RAGFlow, which counts tokens',
    path: '/v1/rerank',
    body: { model, query, documents, top_n: all },
    read: (answer) => (answer.usage.total_tokens > 0 ? byIndex(answer) : []),
  },
  {
    client: 'LiteLLM, as hosted_vllm',
    path: '/v1/rerank',
    body: {
      model,
      query,
      documents,
      top_n: all,
      return_documents: true,
      max_tokens_per_doc: 4000,
      max_tokens_per_query: 1000,
      truncate_prompt_tokens: 8192,
      truncation_side: 'right',
    },
    read: byIndex,
  },
  {
    client: 'LiteLLM with an instruction',
    path: '/v1/rerank',
    body: {
      model,
      query,
      documents,
      instruction: 'Given a web search query, retrieve relevant passages that answer the query',
    },
    read: byIndex,
  },
  {
    client: 'haiku.rag, which mixes strings and parts',
    path: '/v1/rerank',
    body: {
      model,
      query,
      documents: documents.map((text, index) => (index % 2 === 0 ? text : { content: [{ type: 'text', text }] })),
    },
    read: byIndex,
  },
  {
    client: 'the Cohere SDK, version 1, with objects',
    path: '/v1/rerank',
    headers: { 'x-fern-language': 'JavaScript' },
    body: { model, query, documents: documents.map((text) => ({ text })), return_documents: true },
    read: ({ results }) => documents.map((text) => results.find((result) => textOf(result) === text)?.relevance_score),
  },
  {
    client: 'the vLLM-Ascend tutorial',
    path: '/v1/rerank',
    headers: { accept: 'application/json' },
    body: { model, query, documents },
    read: byIndex,
  },
  {
    client: 'SGLang’s client, with bare part lists',
    path: '/v1/rerank',
    body: {
      query: [{ type: 'text', text: query }],
      documents: documents.map((text) => [{ type: 'text', text }]),
      instruct: 'Given a web search query, retrieve relevant passages that answer the query',
      return_documents: false,
      top_n: all,
    },
    read: byIndex,
  },
]

describe('rerank', () => {
  it.each(replays)('$client', async ({ path, headers = {}, body, read, expected = scores }) => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    const answer = (await response.json()) as Answer
    expect(response.status, JSON.stringify(answer)).toBe(200)
    const got = read(answer)
    expect(got).toHaveLength(expected.length)
    for (const [index, score] of expected.entries()) {
      expect(Math.abs((got[index] ?? Number.NaN) - score)).toBeLessThan(tolerance)
    }
    expect(answer).toMatchObject({ id: expect.any(String), model })
    expect(answer.usage.prompt_tokens).toBe(answer.usage.total_tokens)
  })
})

describe('other doors', () => {
  it('TEI’s clients send texts and read index and score', async () => {
    const response = await fetch(`${server.url}/rerank`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, texts: documents, return_text: true }),
    })
    const ranks = (await response.json()) as { index: number; score: number; text: string }[]
    expect(response.status).toBe(200)
    expect(ranks[0]).toMatchObject({ index: best, text: documents[best] })
    expect(Math.abs(ranks[0]!.score - scores[best]!)).toBeLessThan(tolerance)
  })

  it('SGLang’s clients can ask for its array', async () => {
    const response = await fetch(`${server.url}/v1/rerank`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/vnd.sglang+json' },
      body: JSON.stringify({ query, documents }),
    })
    const ranks = (await response.json()) as { index: number; score: number }[]
    expect(response.status).toBe(200)
    expect(ranks.map(({ index }) => index)[0]).toBe(best)
    expect(Math.abs(ranks[0]!.score - scores[best]!)).toBeLessThan(tolerance)
  })

  it('the score clients of vLLM read data in input order', async () => {
    const response = await fetch(`${server.url}/v1/score`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, text_1: query, text_2: documents }),
    })
    const { data } = (await response.json()) as { data: { index: number; score: number; object: string }[] }
    expect(response.status).toBe(200)
    expect(data.map(({ index }) => index)).toEqual(documents.map((_, index) => index))
    for (const [index, { score }] of data.entries()) {
      expect(Math.abs(score - scores[index]!)).toBeLessThan(tolerance)
    }
  })

  it('LangChain reads what went wrong', async () => {
    const response = await fetch(`${server.url}/v1/nowhere`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({ detail: 'Not Found' })
  })
})
