// A fleet over raw HTTP servers that fail in every way a replica can: the call is answered by another one, or refused.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { Fleet } from '#qvl/engine/upstream/fleet.js'
import { piecesOf } from '#qvl/engine/upstream/pieces.js'

type Handler = (response: ServerResponse, body: Record<string, unknown>) => void

interface Fake extends AsyncDisposable {
  url: string
  /** Bodies of the calls, and the client ports that they came from. */
  calls: Record<string, unknown>[]
  ports: Set<number | undefined>
}

const vectorOf = (ids: readonly number[]): string =>
  Buffer.from(Float32Array.from([ids.length, ids[0]!]).buffer).toString('base64')

/** As vLLM answers: one item for each list of token ids. */
const answer: Handler = (response, { input }) => {
  const data = (input as number[][]).map((ids, index) => ({ index, object: 'embedding', embedding: vectorOf(ids) }))
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ object: 'list', data: data.reverse() }))
}

async function fake(handle: Handler): Promise<Fake> {
  const calls: Record<string, unknown>[] = []
  const ports = new Set<number | undefined>()
  const server = createServer(async (request: IncomingMessage, response) => {
    // vLLM has no /health/ready.
    if (request.url === '/health/ready') return void response.writeHead(404).end('{"detail":"Not Found"}')
    if (request.url === '/health') return void response.end()
    if (request.url === '/version') return void response.end('{"version":"0.11.0"}')
    if (request.url === '/v1/models') {
      return void response.end(JSON.stringify({ object: 'list', data: [{ id: 'm', root: 'm', max_model_len: 64 }] }))
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    calls.push({ path: request.url, ...body })
    ports.add(request.socket.remotePort)
    handle(response, body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    ports,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function openFleet(fakes: readonly Fake[], maxModelLen = 64): Promise<Fleet> {
  const fleet = new Fleet({ urls: fakes.map(({ url }) => url) }, { name: 'm', maxModelLen }, () => {})
  await fleet.open()
  return fleet
}

const pieces = (numSequences: number) => {
  const sequences = Array.from({ length: numSequences }, (_, index) => ({
    ...{ ids: Int32Array.of(index, 7, 7), prefixTokens: 0, pool: 'last' as const },
  }))
  const promptTokens = 3 * numSequences
  return piecesOf(
    { kind: 'embed', sequences, promptTokens, dimensions: undefined, useActivation: true },
    'm',
    new Map(),
  )
}

it.each<[string, Handler]>([
  ['429', (response) => void response.writeHead(429).end('{}')],
  ['500', (response) => void response.writeHead(500).end('{}')],
  ['503', (response) => void response.writeHead(503).end()],
  ['a page in place of JSON', (response) => void response.end('<html>')],
  ['an answer without its items', (response) => void response.end('{"data":[]}')],
  ['a vector that is not finite', (response) => void response.end('{"data":[{"index":0,"embedding":"AADAfw=="}]}')],
  [
    'half a body',
    (response) => void response.writeHead(200, { 'content-length': 99 }).write('{', () => response.destroy()),
  ],
  ['a closed connection', (response) => void response.destroy()],
])('a replica that answers %s: the other one answers', async (_, broken) => {
  await using bad = await fake(broken)
  await using good = await fake(answer)
  await using fleet = await openFleet([bad, good])
  const [row] = await fleet.call(pieces(1)[0]!, undefined)
  expect([...row!.hidden]).toEqual([3, 0])
  expect([bad.calls.length, good.calls.length]).toEqual([1, 1])
})

it('a refusal is not sent again', async () => {
  await using bad = await fake((response) => void response.writeHead(400).end('{}'))
  await using good = await fake(answer)
  await using fleet = await openFleet([bad, good])
  await expect(fleet.call(pieces(1)[0]!, undefined)).rejects.toMatchObject({ code: 'ENGINE_ITEM_FAILED' })
  expect(good.calls).toEqual([])
})

it('pieces are bounded, spread over replicas, in order, on connections that are kept', async () => {
  await using one = await fake(answer)
  await using two = await fake(answer)
  await using fleet = await openFleet([one, two])
  const all = pieces(1_000)
  const rows = (await Promise.all(all.map((piece) => fleet.call(piece, undefined)))).flat()
  expect(rows.map(({ hidden }) => hidden[1])).toEqual(Array.from({ length: 1_000 }, (_, index) => index))
  expect(Math.max(...all.map(({ numSequences }) => numSequences))).toBe(32)
  for (const { calls, ports } of [one, two]) {
    expect(calls.length).toBeGreaterThan(8)
    expect(ports.size).toBeLessThanOrEqual(9)
  }
})

it("a call has vLLM's fields", async () => {
  await using one = await fake(answer)
  await using fleet = await openFleet([one])
  await fleet.call(pieces(1)[0]!, undefined)
  expect(one.calls).toEqual([
    {
      ...{ path: '/v1/embeddings', model: 'm', input: [[0, 7, 7]], encoding_format: 'base64' },
      ...{ use_activation: false, add_special_tokens: false },
    },
  ])
})

it('a client that leaves ends its call at the replica', async () => {
  let arrived: (response: ServerResponse) => void = () => {}
  const waiting = new Promise<ServerResponse>((resolve) => {
    arrived = resolve
  })
  await using one = await fake((response) => arrived(response))
  await using fleet = await openFleet([one])
  const leave = new AbortController()
  const call = fleet.call(pieces(1)[0]!, leave.signal)
  const closed = once(await waiting, 'close')
  leave.abort(new Error('gone'))
  await expect(call).rejects.toThrow('gone')
  await closed
  expect(fleet.replicas[0]).toMatchObject({ isHealthy: true, outstandingCalls: 0, outstandingTokens: 0 })
})

it('a replica with a shorter limit is refused', async () => {
  await using one = await fake(answer)
  await expect(openFleet([one], 65)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
})

it('a replica that is full is left alone for as long as it says', async () => {
  let isFull = true
  await using busy = await fake((response, body) => {
    if (isFull) response.writeHead(429, { 'retry-after': '20' }).end('{}')
    else answer(response, body)
  })
  await using free = await fake(answer)
  await using fleet = await openFleet([busy, free])
  for (let i = 0; i < 6; i++) await fleet.call(pieces(1)[0]!, undefined)
  expect([busy.calls.length, free.calls.length]).toEqual([1, 6])
  isFull = false
  await free[Symbol.asyncDispose]()
  // With nobody else to ask, it is asked.
  await fleet.call(pieces(1)[0]!, undefined)
  expect(busy.calls.length).toBe(2)
  expect(fleet.replicas.map(({ counts }) => counts)).toEqual([
    { answered: 1, failed: 1 },
    { answered: 6, failed: 1 },
  ])
})

it('what only qvl understands is not sent to vLLM', async () => {
  await using vllm = await fake(answer)
  await using fleet = await openFleet([vllm])
  const sequences = [{ ids: Int32Array.of(1, 2, 3), prefixTokens: 0, pool: 'last' as const, secondFrom: 2 }]
  const [piece] = piecesOf({ kind: 'score', sequences, promptTokens: 3, useActivation: true }, 'm', new Map())
  await expect(fleet.call(piece!, undefined)).rejects.toMatchObject({ code: 'NOT_IMPLEMENTED' })
  expect(vllm.calls).toEqual([])
})
