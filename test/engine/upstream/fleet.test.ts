// A fleet over raw HTTP servers that fail in every way a replica can: the call is answered by another one, or refused.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { piecesOf } from '#qvl/engine/upstream/pieces.js'
import { answer, type Handler, openFleet, pieces, rawReplica } from './raw-replica.js'

it.each<[string, Handler]>([
  ['401', (response) => void response.writeHead(401).end('{}')],
  ['404', (response) => void response.writeHead(404).end('{}')],
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
  await using bad = await rawReplica(broken)
  await using good = await rawReplica(answer)
  await using fleet = await openFleet([bad, good])
  const [row] = await fleet.call(pieces(1)[0]!, undefined)
  expect([...row!.hidden]).toEqual([3, 0])
  expect([bad.calls.length, good.calls.length]).toEqual([1, 1])
})

it('a refusal is not sent again', async () => {
  await using bad = await rawReplica((response) => void response.writeHead(400).end('{}'))
  await using good = await rawReplica(answer)
  await using fleet = await openFleet([bad, good])
  await expect(fleet.call(pieces(1)[0]!, undefined)).rejects.toMatchObject({ code: 'ENGINE_ITEM_FAILED' })
  expect(good.calls).toEqual([])
})

it('pieces are bounded, spread over replicas, in order, on connections that are kept', async () => {
  await using one = await rawReplica(answer)
  await using two = await rawReplica(answer)
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
  await using one = await rawReplica(answer)
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
  await using one = await rawReplica((response) => arrived(response))
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
  await using one = await rawReplica(answer)
  await expect(openFleet([one], { maxModelLen: 65 })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
})

it('a replica that is full is left alone for as long as it says', async () => {
  let isFull = true
  await using busy = await rawReplica((response, body) => {
    if (isFull) response.writeHead(429, { 'retry-after': '20' }).end('{}')
    else answer(response, body)
  })
  await using free = await rawReplica(answer)
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
  await using vllm = await rawReplica(answer)
  await using fleet = await openFleet([vllm])
  const sequences = [{ ids: Int32Array.of(1, 2, 3), prefixTokens: 0, pool: 'last' as const, secondFrom: 2 }]
  const [piece] = piecesOf({ kind: 'score', sequences }, { model: 'm' })
  await expect(fleet.call(piece!, undefined)).rejects.toMatchObject({ code: 'NOT_IMPLEMENTED' })
  expect(vllm.calls).toEqual([])
})
