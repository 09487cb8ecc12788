// Replicas that hang, are slow, drain, are full or come back: what they are sent meanwhile, and what becomes of their calls.

import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Fleet } from '#qvl/engine/upstream/fleet.js'
import { maxCallsPerReplica } from '#qvl/engine/upstream/options.js'
import { until } from '../../support/server.js'
import { answer, type Handler, openFleet, pieces, rawReplica } from './raw-replica.js'

const [piece] = pieces(1)
const [longPiece] = pieces(1, 30)
const quick = { healthInterval: 50, health: 200 }

const hang: Handler = () => {}

const callMany = (fleet: Fleet, count: number) =>
  Promise.all(Array.from({ length: count }, () => fleet.call(piece!, undefined)))

describe('a replica that hangs while its health is well', () => {
  it('loses its calls to another when their time is over, and gets no more', async () => {
    await using hung = await rawReplica(hang)
    await using good = await rawReplica(answer)
    await using fleet = await openFleet([hung, good], { times: { ...quick, call: 300 } })
    expect((await callMany(fleet, 30)).length).toBe(30)
    const attracted = hung.calls.length
    expect(attracted).toBeGreaterThan(0)
    expect(attracted).toBeLessThanOrEqual(maxCallsPerReplica)
    await until(() => hung.underWay === 0)
    await until(() => fleet.replicas[0]!.isHealthy)
    for (let i = 0; i < 30; i++) await fleet.call(piece!, undefined)
    expect([hung.calls.length, good.calls.length]).toEqual([attracted, 60])
    expect(fleet.replicas[0]).toMatchObject({ outstandingCalls: 0, outstandingTokens: 0 })
  })

  it('attracts nothing while its calls have no answer', async () => {
    const held: (() => void)[] = []
    await using hung = await rawReplica(hang)
    await using good = await rawReplica((response, body) => void held.push(() => answer(response, body)))
    await using fleet = await openFleet([hung, good], { times: { stall: 50 } })
    const leave = new AbortController()
    const lost = fleet.call(piece!, leave.signal)
    await until(() => hung.calls.length === 1)
    await sleep(100)
    // Each has more tokens than what hangs.
    const others = Array.from({ length: maxCallsPerReplica }, () => fleet.call(longPiece!, undefined))
    await until(() => good.calls.length === others.length)
    for (const release of held) release()
    await Promise.all(others)
    expect(hung.calls.length).toBe(1)
    leave.abort(new Error('gone'))
    await expect(lost).rejects.toThrow('gone')
  })

  it('is asked again where it is the only one', async () => {
    let isHung = true
    await using one = await rawReplica((response, body) => {
      if (!isHung) answer(response, body)
    })
    await using fleet = await openFleet([one], { times: { ...quick, call: 300 } })
    const call = fleet.call(piece!, undefined)
    await until(() => one.calls.length === 1)
    isHung = false
    const others = callMany(fleet, 4)
    expect((await call).length).toBe(1)
    expect((await others).length).toBe(4)
  })
})

it('calls of a replica that is silent altogether are given up, and answered elsewhere', async () => {
  await using silent = await rawReplica(hang)
  await using good = await rawReplica(answer)
  await using fleet = await openFleet([silent, good], { times: quick })
  const call = fleet.call(piece!, undefined)
  await until(() => silent.calls.length === 1)
  silent.health = undefined
  expect((await call).length).toBe(1)
  await callMany(fleet, 20)
  expect([silent.calls.length, good.calls.length]).toEqual([1, 21])
  expect(fleet.replicas[0]).toMatchObject({ isHealthy: false, outstandingCalls: 0 })
})

it('a replica that drains finishes what it has, and gets no more', async () => {
  let release: () => void = () => {}
  await using draining = await rawReplica((response, body) => {
    release = () => answer(response.setHeader('connection', 'close'), body)
  })
  await using good = await rawReplica(answer)
  await using fleet = await openFleet([draining, good], { times: quick })
  const call = fleet.call(piece!, undefined)
  await until(() => draining.calls.length === 1)
  draining.health = 503
  await until(() => !fleet.replicas[0]!.isHealthy)
  await callMany(fleet, 20)
  expect([draining.calls.length, good.calls.length]).toEqual([1, 20])
  release()
  expect((await call).length).toBe(1)
  expect(fleet.replicas[0]!.counts).toEqual({ answered: 1, failed: 0 })
})

it('a replica that closes its connections and answers 503 loses nothing', async () => {
  const refuse: Handler = (response) => void response.writeHead(503, { connection: 'close' }).end('{}')
  let handle = answer
  await using draining = await rawReplica((response, body) => handle(response.setHeader('connection', 'close'), body))
  await using good = await rawReplica(answer)
  await using fleet = await openFleet([draining, good], { times: quick })
  await callMany(fleet, 20)
  expect(draining.calls.length).toBeGreaterThan(0)
  handle = refuse
  draining.health = 503
  expect((await callMany(fleet, 20)).length).toBe(20)
  await until(() => !fleet.replicas[0]!.isHealthy)
  const before = draining.calls.length
  await callMany(fleet, 20)
  expect(draining.calls.length).toBe(before)
})

it('a replica that is slower gets less', async () => {
  const held: ServerResponse[] = []
  await using slow = await rawReplica((response) => void held.push(response))
  await using fast = await rawReplica(answer)
  await using fleet = await openFleet([slow, fast])
  const waiting = fleet.call(longPiece!, undefined)
  await until(() => held.length === 1)
  for (let i = 0; i < 30; i++) await fleet.call(piece!, undefined)
  expect([slow.calls.length, fast.calls.length]).toEqual([1, 30])
  answer(held[0]!, slow.calls[0]!)
  await waiting
})

describe('while no replica is ready', () => {
  const start = async (times: object, forFiles = false) => {
    const state = { isDown: false }
    const handle: Handler = (response, body) => {
      if (state.isDown) response.writeHead(503).end()
      else answer(response, body)
    }
    const replica = await rawReplica(handle)
    const fleet = await openFleet([replica], { times: { ...quick, ...times }, forFiles })
    const turn = async (isDown: boolean): Promise<void> => {
      state.isDown = isDown
      replica.health = isDown ? 503 : 200
      if (isDown) await until(() => !fleet.replicas[0]!.isHealthy)
    }
    return { replica, fleet, turn }
  }

  it('calls that were taken wait for one, and for room', async () => {
    const { replica, fleet, turn } = await start({})
    await using _replica = replica
    await using _fleet = fleet
    const calls = callMany(fleet, 3 * maxCallsPerReplica)
    await turn(true)
    await sleep(200)
    await turn(false)
    expect((await calls).length).toBe(3 * maxCallsPerReplica)
  })

  it('a new call is refused, and those that wait when their patience is over', async () => {
    await using hung = await rawReplica(hang)
    await using fleet = await openFleet([hung], { times: { ...quick, patience: 300 } })
    const calls = Array.from({ length: 2 * maxCallsPerReplica }, () => fleet.call(piece!, undefined))
    await until(() => hung.calls.length === maxCallsPerReplica)
    const ends = Promise.allSettled(calls)
    hung.health = undefined
    await until(() => !fleet.replicas[0]!.isHealthy)
    await expect(fleet.call(piece!, undefined)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    for (const end of await ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'UPSTREAM_UNAVAILABLE' } })
    }
  })

  it('a call of a file waits from the start', async () => {
    const { replica, fleet, turn } = await start({}, true)
    await using _replica = replica
    await using _fleet = fleet
    await turn(true)
    const call = fleet.call(piece!, undefined)
    await sleep(100)
    await turn(false)
    expect((await call).length).toBe(1)
  })
})

it('a fleet that is full is not asked by each call that waits, and says so in the end', async () => {
  await using full = await rawReplica((response) => void response.writeHead(429).end('{}'))
  await using fleet = await openFleet([full], { times: { ...quick, patience: 1_500 } })
  const ends = await Promise.allSettled(Array.from({ length: 200 }, () => fleet.call(piece!, undefined)))
  for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'ENGINE_OVERLOADED' } })
  expect(full.calls.length).toBeLessThan(2 * maxCallsPerReplica)
})

it('closing ends what waits and what is under way', async () => {
  await using hung = await rawReplica(hang)
  const fleet = await openFleet([hung])
  const calls = Promise.allSettled(Array.from({ length: 2 * maxCallsPerReplica }, () => fleet.call(piece!, undefined)))
  await until(() => hung.calls.length === maxCallsPerReplica)
  await fleet.close()
  for (const end of await calls) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'NOT_READY' } })
})
