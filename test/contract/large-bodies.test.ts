import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ContractServer, startContractServer } from './support/server.js'

let server: ContractServer
beforeAll(async () => {
  server = await startContractServer('qwen3-reranker', { limits: { maxQueuedTokens: 1e9 } })
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (body: unknown, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}/rerank`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })

/** About a megabyte, and a second of tokenising: each document is read together with the query. */
const large = {
  query: 'red castle '.repeat(200),
  documents: Array.from({ length: 1000 }, (_, index) => `${index} ${'small old bicycle '.repeat(50)}`),
  max_tokens_per_query: 4,
  max_tokens_per_doc: 4,
}

it('a large body is answered, and others before it', async () => {
  const order: string[] = []
  const asked = post(large).then((response) => {
    order.push('large')
    return response.json()
  })
  await expect.poll(inFlight).toBe(1)
  for (let i = 0; i < 5; i++) {
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    expect((await post({ query: 'q', documents: ['d'] })).status).toBe(200)
    order.push('small')
  }
  const { results } = (await asked) as { results: { index: number; document: { text: string } }[] }
  expect(order[0]).toBe('small')
  expect(results).toHaveLength(large.documents.length)
  for (const { index, document } of results) expect(document.text).toBe(large.documents[index])
})

it('a client that leaves while its body is prepared leaves nothing behind', async () => {
  const left = new AbortController()
  const asked = expect(post(large, left.signal)).rejects.toThrow()
  await expect.poll(inFlight).toBe(1)
  left.abort()
  await asked
  await expect.poll(inFlight).toBe(0)
  const { waitingTasks, runningTasks } = server.engine.load()
  expect([waitingTasks, runningTasks]).toEqual([0, 0])
  expect((await post({ query: 'q', documents: ['d'] })).status).toBe(200)
})

async function inFlight(): Promise<unknown> {
  const answer: unknown = await (await fetch(`${server.url}/load`)).json()
  return (answer as { server_load: number }).server_load
}
