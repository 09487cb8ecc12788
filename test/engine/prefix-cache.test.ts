// Kept prefixes: the same answers with and without them, fewer rows, within the budget, and right after failures.

import { describe, expect, it } from 'vitest'
import { PrefixCache } from '#qvl/engine/prefix-cache.js'
import { Queue, type QueueOptions } from '#qvl/engine/queue.js'
import type { Sequence } from '#qvl/engine/requests.js'
import { random } from '../support/random.js'
import {
  deviceFailed,
  rowBytes,
  SpellingDevice,
  type SpellingOptions,
  spelled,
  spellingModel,
} from './spelling-device.js'

const run = (start: number, length: number): number[] => Array.from({ length }, (_, i) => start + i)

/** A pair: what it has in common with others, and a document. */
const pair = (prefix: readonly number[], document: readonly number[]): Sequence => ({
  ids: Int32Array.from([...prefix, ...document]),
  prefixTokens: prefix.length,
  pool: 'last',
})

const documents = (count: number): number[][] => run(0, count).map((index) => run(5000 + 100 * index, 7))

function open(options: Partial<QueueOptions> = {}, faults: SpellingOptions = {}) {
  const device = new SpellingDevice(faults)
  const queue = new Queue(spellingModel, device, {
    maxNumBatchedTokens: 200,
    maxNumSeqs: 50,
    sharePrefixes: true,
    prefixCacheBytes: 1000 * rowBytes,
    ...options,
  })
  const ask = async (sequences: readonly Sequence[], cacheSalt?: string) => {
    const before = queue.counters.computedTokens
    const { rows } = await queue.enqueue([sequences], { cacheSalt })[0]!
    expect(rows.map(({ hidden }) => [...hidden])).toEqual(sequences.map(({ ids }) => spelled(ids)))
    const cached = rows.reduce((sum, { sharedTokens }) => sum + sharedTokens, 0)
    return { computed: queue.counters.computedTokens - before, cached }
  }
  return { device, queue, ask }
}

const template = run(100, 20)
const query = [...template, ...run(200, 30)]
const otherQuery = [...template, ...run(300, 40)]

describe('kept prefixes', () => {
  it('of the same query are not computed again', async () => {
    const { ask, queue } = open()
    const pairs = documents(5).map((document) => pair(query, document))
    expect(await ask(pairs)).toEqual({ computed: 50 + 35, cached: 4 * 50 })
    expect(await ask(pairs)).toEqual({ computed: 35, cached: 5 * 50 })
    expect(queue.prefixCache()).toMatchObject({ queriedTokens: 2 * 5 * 57, usedBytes: 50 * rowBytes })
  })

  it('of another query are used as far as they agree', async () => {
    const { ask, device } = open()
    await ask([pair(query, [1, 2])])
    expect(await ask([pair(otherQuery, [1, 2])])).toEqual({ computed: 42, cached: 20 })
    expect(await ask([pair(query, [3]), pair(otherQuery, [3])])).toEqual({ computed: 2, cached: 110 })
    // The first span is used whole and in part; neither was computed twice.
    expect([...device.kept.values()].map(({ length }) => length)).toEqual([50, 40])
  })

  it('of another salt, or of none, are not used', async () => {
    const { ask, queue, device } = open()
    const salts = ['a', undefined, 'b']
    for (const salt of salts) expect(await ask([pair(query, [1, 2])], salt)).toEqual({ computed: 52, cached: 0 })
    for (const salt of salts) expect(await ask([pair(query, [3])], salt)).toEqual({ computed: 1, cached: 50 })
    expect(device.kept.size).toBe(3)
    // In one batch too.
    const tasks = salts.map((cacheSalt) => queue.enqueue([[pair(otherQuery, [5])]], { cacheSalt })[0]!)
    for (const { rows } of await Promise.all(tasks)) {
      expect(rows[0]).toMatchObject({ sharedTokens: 20, hidden: Float32Array.from(spelled([...otherQuery, 5])) })
    }
  })

  it('of many salts come and go within the budget', async () => {
    const { ask, queue, device } = open({ prefixCacheBytes: 120 * rowBytes })
    for (let round = 0; round < 3; round++) {
      for (const salt of ['a', 'b', 'c', 'd']) await ask([pair(query, [round])], salt)
    }
    expect(queue.prefixCache().usedBytes).toBe(100 * rowBytes)
    expect(device.kept.size).toBe(2)
    expect(await ask([pair(query, [9])], 'd')).toEqual({ computed: 1, cached: 50 })
  })

  it('are used by prompts that say nothing of a prefix, and are not kept from them', async () => {
    const { ask, device } = open()
    await ask([pair(query, [1, 2])])
    expect(await ask([{ ...pair(query, [9]), prefixTokens: 0 }])).toEqual({ computed: 1, cached: 50 })
    expect(await ask([{ ...pair(run(900, 60), [9]), prefixTokens: 0 }])).toMatchObject({ cached: 0 })
    expect(device.kept.size).toBe(1)
  })

  it('leave the last row to be computed', async () => {
    const { ask } = open()
    await ask([pair(query, [1])])
    expect(await ask([pair(query, [])])).toEqual({ computed: 1, cached: 49 })
  })

  it('are not used by sequences that pool all rows', async () => {
    const { queue, ask } = open()
    await ask([pair(query, [1])])
    const { rows } = await queue.enqueue([[{ ...pair(query, [1]), pool: 'all' }]])[0]!
    expect(rows[0]).toMatchObject({ rows: 51, sharedTokens: 0 })
    expect([...rows[0]!.hidden.slice(-3)]).toEqual(spelled([...query, 1]))
  })

  it('too short to be worth it are not kept', async () => {
    const { ask, device } = open()
    await ask([pair(run(1, 15), [1])])
    expect(device.kept.size).toBe(0)
  })

  it('are kept within the budget: those that were not used for longest go', async () => {
    const { ask, device, queue } = open({ prefixCacheBytes: 100 * rowBytes })
    const prefixes = run(0, 4).map((index) => run(1000 * (index + 1), 40))
    const each = (index: number) => ask([pair(prefixes[index]!, [1])])
    await each(0)
    await each(1)
    await each(0)
    await each(2)
    expect(queue.prefixCache().usedBytes).toBe(80 * rowBytes)
    expect(await each(0)).toMatchObject({ computed: 1 })
    expect(await each(1)).toMatchObject({ computed: 41 })
    await queue.idle()
    expect(device.kept.size).toBe(2)
  })

  it('larger than the budget are not kept', async () => {
    const { ask, device } = open({ prefixCacheBytes: 49 * rowBytes })
    await ask([pair(query, [1])])
    expect(device.kept.size).toBe(0)
  })

  it('that a batch uses are not evicted by what it keeps', async () => {
    const { ask, device } = open({ prefixCacheBytes: 60 * rowBytes })
    await ask([pair(query, [1])])
    expect(await ask([pair([...query, ...run(400, 20)], [1])])).toEqual({ computed: 21, cached: 50 })
    expect(device.kept.size).toBe(1)
  })

  it('of a run that failed are not kept, and the answers are right', async () => {
    let failures = 1
    const { ask, device, queue } = open({}, { fails: () => (failures-- > 0 ? deviceFailed() : undefined) })
    expect(await ask([pair(query, [1]), pair(query, [2])])).toMatchObject({})
    await queue.idle()
    expect(device.kept.size).toBe(0)
    expect(queue.prefixCache().usedBytes).toBe(0)
    expect(await ask([pair(query, [1])])).toMatchObject({ computed: 51 })
    expect(await ask([pair(query, [1])])).toMatchObject({ computed: 1 })
  })

  it('that the device lost are done without', async () => {
    const { ask, device } = open()
    await ask([pair(query, [1])])
    device.kept.clear()
    await ask([pair(query, [2]), pair(query, [3])])
    // They are computed and kept again.
    await ask([pair(query, [4])])
    expect(await ask([pair(query, [5])])).toEqual({ computed: 1, cached: 50 })
  })

  it('are promised to the next batch while the one that computes them runs', async () => {
    const { ask, device } = open({ maxNumBatchedTokens: 80 })
    const many = documents(20).map((document) => pair(query, document))
    expect(await ask(many)).toEqual({ computed: 50 + 20 * 7, cached: 19 * 50 })
    expect(device.runs.length).toBeGreaterThan(1)
  })

  it('of a run that failed take those down that were promised on top of them, with right answers', async () => {
    let numRuns = 0
    const fails = () => (numRuns++ === 0 ? deviceFailed() : undefined)
    const { ask, queue, device } = open({ maxNumBatchedTokens: 80 }, { fails })
    const longer = [...query, ...run(400, 30)]
    await ask([pair(query, [1]), pair(query, [2]), pair(longer, [3]), pair(longer, [4])])
    await queue.idle()
    expect(numRuns).toBeGreaterThan(3)
    expect(queue.prefixCache().usedBytes).toBe([...device.kept.values()].flat().length * rowBytes)
  })

  it('give the answers of no cache, whatever is asked and evicted', async () => {
    const next = random(11)
    const { queue, device } = open({ prefixCacheBytes: 300 * rowBytes, maxNumBatchedTokens: 150 })
    const stems = run(0, 3).map((index) => run(1000 * index, 20 + index * 7))
    const prefix = () => [...stems[next() % 3]!, ...run(5000 + 50 * (next() % 4), next() % 60)]
    for (let round = 0; round < 150; round++) {
      const tasks = run(0, 1 + (next() % 4)).map(() => {
        const common = prefix()
        return run(0, 1 + (next() % 6)).map(() => pair(common, run(next() % 9, 1 + (next() % 30))))
      })
      const done = queue.enqueue(tasks)
      for (const [index, sequences] of tasks.entries()) {
        const { rows } = await done[index]!
        expect(rows.map(({ hidden }) => [...hidden])).toEqual(sequences.map(({ ids }) => spelled(ids)))
      }
    }
    await queue.idle()
    const { usedBytes } = queue.prefixCache()
    expect(usedBytes).toBeLessThanOrEqual(300 * rowBytes)
    expect([...device.kept.values()].reduce((sum, { length }) => sum + length, 0) * rowBytes).toBe(usedBytes)
    expect(queue.prefixCache().hitTokens).toBeGreaterThan(0)
  })
})

describe('the tree of kept prefixes', () => {
  it('names the fewest spans, also after it was cut', () => {
    const cache = new PrefixCache({ bytes: (rows) => rows, forget: () => {} }, 1000)
    cache.beginBatch()
    const first = cache.keep(cache.root, Int32Array.from(query))!
    const found = cache.find(Int32Array.from(otherQuery), otherQuery.length)!
    expect(found).toMatchObject({ tokens: 20, spans: [{ kept: first.id, rows: 20 }] })
    const second = cache.keep(found.place, Int32Array.from(otherQuery.slice(20)))!
    const spans = (ids: readonly number[]) => cache.find(Int32Array.from(ids), ids.length)?.spans
    expect(spans(query)).toEqual([{ kept: first.id, rows: 50 }])
    expect(spans(otherQuery)).toEqual([
      { kept: first.id, rows: 20 },
      { kept: second.id, rows: 40 },
    ])
    cache.drop([first.id])
    expect(spans(query)).toBeUndefined()
    expect(cache.usedBytes).toBe(0)
  })
})
