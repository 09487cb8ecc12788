// Calls that wait for room at replicas: each gets its turn, whatever becomes of those before it.

import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { maxCallsPerReplica } from '#qvl/engine/upstream/options.js'
import { until } from '../../support/server.js'
import { answer, type Handler, openFleet, pieces, rawReplica } from './raw-replica.js'

/** Answers when it is told to, oldest first. */
function holding(): { handle: Handler; release(): void } {
  const held: (() => void)[] = []
  return {
    handle: (response: ServerResponse, body) => void held.push(() => answer(response, body)),
    release: () => held.shift()!(),
  }
}

const [piece] = pieces(1)

/** A question for health also looks who waits; here it must not be what helps. */
const times = { healthInterval: 60_000 }

it('a call that is given up in the moment it gets its place leaves it to the next', async () => {
  const { handle, release } = holding()
  await using one = await rawReplica(handle)
  await using fleet = await openFleet([one], { times })
  const leave = new AbortController()
  const read = (body: unknown) => {
    queueMicrotask(() => leave.abort(new Error('gone')))
    return piece!.read(body)
  }
  const first = Array.from({ length: maxCallsPerReplica }, () => fleet.call({ ...piece!, read }, undefined))
  const leaving = fleet.call(piece!, leave.signal)
  const last = fleet.call(pieces(2)[0]!, undefined)
  await until(() => one.calls.length === maxCallsPerReplica)
  release()
  await Promise.race(first)
  await expect(leaving).rejects.toThrow('gone')
  await until(() => one.calls.some(({ input }) => Array.isArray(input) && input.length === 2))
  for (let i = 0; i < maxCallsPerReplica; i++) release()
  expect((await last).length).toBe(2)
  await Promise.all(first)
  expect(fleet.replicas[0]).toMatchObject({ outstandingCalls: 0, outstandingTokens: 0 })
})

it('a call for qvl does not keep a place at vLLM from those after it', async () => {
  const vllm = holding()
  const qvl = holding()
  await using one = await rawReplica(vllm.handle)
  await using two = await rawReplica(qvl.handle, { server: 'qvl/1.0.0' })
  await using fleet = await openFleet([one, two], { times })
  const full = Array.from({ length: 2 * maxCallsPerReplica }, () => fleet.call(piece!, undefined))
  await until(() => one.calls.length + two.calls.length === full.length)
  const forQvl = fleet.call({ ...piece!, needsQvl: true }, undefined)
  const forAny = fleet.call(piece!, undefined)
  vllm.release()
  await until(() => one.calls.length === maxCallsPerReplica + 1)
  expect(two.calls.length).toBe(maxCallsPerReplica)
  qvl.release()
  await until(() => two.calls.length === maxCallsPerReplica + 1)
  for (let i = 0; i < maxCallsPerReplica; i++) {
    vllm.release()
    qvl.release()
  }
  await Promise.all([...full, forQvl, forAny])
})

it('places are given in the order of asking', async () => {
  const { handle, release } = holding()
  await using one = await rawReplica(handle)
  await using fleet = await openFleet([one], { times })
  const all = pieces(32 * (maxCallsPerReplica + 4)).map((each) => fleet.call(each, undefined))
  await until(() => one.calls.length === maxCallsPerReplica)
  for (let arrived = maxCallsPerReplica; arrived < all.length; arrived++) {
    release()
    await until(() => one.calls.length === arrived + 1)
  }
  for (let i = 0; i < maxCallsPerReplica; i++) release()
  await Promise.all(all)
  const firstIds = one.calls.slice(maxCallsPerReplica).map(({ input }) => (input as number[][])[0]![0])
  expect(firstIds).toEqual([8, 9, 10, 11].map((index) => 32 * index))
})
