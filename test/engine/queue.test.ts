// The queue: right answers in the right order, turns, cancellation, failures of single items, and what it reports.

import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { Queue, type QueueOptions } from '#qvl/engine/queue.js'
import type { BatchReport, Sequence } from '#qvl/engine/requests.js'
import type { Computed } from '#qvl/engine/task-run.js'
import { QvlError } from '#qvl/errors.js'
import { random } from '../support/random.js'
import { deviceFailed, SpellingDevice, type SpellingOptions, spelled, spellingModel } from './spelling-device.js'

const run = (start: number, length: number): number[] => Array.from({ length }, (_, i) => start + i)

const sequence = (ids: readonly number[], rest: Partial<Sequence> = {}): Sequence => ({
  ids: Int32Array.from(ids),
  prefixTokens: 0,
  pool: 'last',
  ...rest,
})

/** A task of so many sequences, of so many tokens each, that have nothing in common with those of another. */
const task = (name: number, numSequences: number, length: number): Sequence[] =>
  Array.from({ length: numSequences }, (_, index) => sequence(run(10_000 * name + 1_000_000 * index, length)))

function open(options: Partial<QueueOptions> = {}, faults: SpellingOptions = {}) {
  const device = new SpellingDevice(faults)
  const queue = new Queue(spellingModel, device, {
    maxNumBatchedTokens: 100,
    maxNumSeqs: 50,
    sharePrefixes: true,
    ...options,
  })
  return { device, queue }
}

async function expectAnswers(done: Promise<Computed>, sequences: readonly Sequence[]): Promise<void> {
  const { rows } = await done
  expect(rows.map(({ hidden }) => [...hidden])).toEqual(sequences.map(({ ids }) => spelled(ids)))
}

const codes = (done: readonly Promise<unknown>[]): Promise<string[]> =>
  Promise.all(
    done.map((one) =>
      one.then(
        () => 'ok',
        (error: QvlError) => error.code,
      ),
    ),
  )

/** The names of the tasks that each run had, in order. */
const namesOf = (device: SpellingDevice): number[][] =>
  device.runs.map(({ sequences }) => [...new Set(sequences.map((ids) => Math.floor((ids[0]! % 1_000_000) / 10_000)))])

describe('answers', () => {
  it('are those of their own sequences, whatever else is in the batch', async () => {
    const next = random(3)
    const { queue } = open()
    const tasks = Array.from({ length: 60 }, () => {
      const stem = run(next() % 3, next() % 40)
      return Array.from({ length: 1 + (next() % 5) }, () => sequence([...stem, ...run(next() % 3, 1 + (next() % 60))]))
    })
    const done = queue.enqueue(tasks)
    for (const [index, sequences] of tasks.entries()) await expectAnswers(done[index]!, sequences)
  })

  it('hold every row of a sequence that pools all of them, shared ones too', async () => {
    const { queue, device } = open()
    const stem = run(100, 20)
    const sequences = [sequence([...stem, 1, 2]), sequence([...stem, 3], { pool: 'all' }), sequence([4, 5])]
    const [done] = queue.enqueue([sequences])
    const { rows } = await done!
    expect(device.runs).toHaveLength(1)
    const every = rows[1]!
    expect(every.rows).toBe(21)
    const expected = run(0, 21).flatMap((_, last) => spelled([...stem, 3].slice(0, last + 1)))
    expect([...every.hidden]).toEqual(expected)
    expect([...rows[2]!.hidden]).toEqual(spelled([4, 5]))
  })

  it('of no sequences come at once', async () => {
    const { queue } = open()
    expect(await queue.enqueue([[]])[0]).toMatchObject({ rows: [] })
  })
})

describe('batches', () => {
  it.each([
    ['tokens', {}, [[100], [100], [50]]],
    ['sequences', { maxNumSeqs: 1 }, [[50], [50], [50], [50], [50]]],
    ['a longer sequence runs alone', { maxNumBatchedTokens: 30 }, [[50], [50], [50], [50], [50]]],
  ])('keep within their limits: %s', async (_, options, expected) => {
    const { queue, device } = open(options)
    await Promise.all(queue.enqueue([task(1, 5, 50)]))
    expect(device.runs.map(({ rows }) => [rows])).toEqual(expected)
  })

  it('depend on the tasks alone', async () => {
    const batches = async () => {
      const { queue, device } = open()
      await Promise.all(queue.enqueue([task(1, 7, 30), task(2, 1, 5), task(3, 30, 9)]))
      return device.runs.map(({ sequences }) => sequences)
    }
    expect(await batches()).toEqual(await batches())
  })
})

describe('turns', () => {
  it('a short request that comes later is not held up by a long one', async () => {
    const { queue, device } = open()
    const long = queue.enqueue([task(1, 100, 10)])
    await new Promise(setImmediate)
    const before = device.runs.length
    const short = queue.enqueue([task(2, 1, 5)])
    await short[0]
    // One batch was packed ahead when it came; it is in the next.
    expect(device.runs.length - before).toBeLessThanOrEqual(3)
    await long[0]
  })

  it('many short requests do not hold up a long one', async () => {
    const { queue, device } = open()
    const long = queue.enqueue([task(1, 20, 25)])
    const short = Array.from({ length: 200 }, (_, name) => queue.enqueue([task(2 + name, 1, 25)])[0]!)
    await long[0]
    expect(device.runs.length).toBeLessThanOrEqual(13)
    await Promise.all(short)
    const numLong = (names: readonly number[][]) => names.filter((batch) => batch.includes(1)).length
    expect(numLong(namesOf(device).slice(0, 9))).toBeGreaterThanOrEqual(8)
  })

  it('the sequences of one submission stay together', async () => {
    const { queue, device } = open()
    await Promise.all(queue.enqueue([task(1, 8, 25), task(2, 8, 25)]))
    expect(namesOf(device)).toEqual([[1], [1], [2], [2]])
  })

  it('lower priorities go first where priorities count, and are not looked at elsewhere', async () => {
    const order = async (byPriority: boolean) => {
      const { queue, device } = open({ byPriority })
      const asked = [3, 1, 2, -1].map((priority) => queue.enqueue([task(5 + priority, 4, 25)], { priority })[0]!)
      await Promise.all(asked)
      return namesOf(device).map(([first]) => first! - 5)
    }
    expect(await order(true)).toEqual([-1, 1, 2, 3])
    expect(await order(false)).toEqual([3, 3, 3, 3].map(() => expect.any(Number)))
    expect((await order(false))[0]).toBe(3)
  })
})

describe('cancelling', () => {
  it('takes what waits out of the queue at once, and the tokens out of the counters', async () => {
    const { queue, device } = open()
    const stop = new AbortController()
    const dropped = queue.enqueue([task(1, 100, 10), task(2, 100, 10)], { signal: stop.signal })
    const kept = task(3, 3, 10)
    const [done] = queue.enqueue([kept])
    expect(queue.load()).toMatchObject({ waitingTasks: 3, waitingTokens: 2030 })
    stop.abort(new QvlError('CANCELLED', { what: 'The client left.' }))
    expect(queue.load()).toMatchObject({ waitingTasks: 1, waitingTokens: 30 })
    expect(await codes(dropped)).toEqual(['CANCELLED', 'CANCELLED'])
    await expectAnswers(done!, kept)
    expect(device.runs).toHaveLength(1)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  it('of what runs discards the answers only', async () => {
    const stop = new AbortController()
    const { queue, device } = open({}, { delay: async () => stop.abort() })
    const other = task(2, 2, 20)
    const dropped = queue.enqueue([task(1, 4, 10)], { signal: stop.signal })
    const [done] = queue.enqueue([other])
    await expect(dropped[0]).rejects.toThrow()
    await expectAnswers(done!, other)
    expect(device.runs).toHaveLength(1)
  })

  it('ten thousand times leaves nothing behind', async () => {
    const { queue } = open()
    const shared = new AbortController()
    for (let round = 0; round < 10_000; round++) {
      const stop = new AbortController()
      const done = queue.enqueue([task(1, 2, 10)], { signal: round % 2 === 0 ? stop.signal : shared.signal })
      if (round % 2 === 0) stop.abort()
      await codes(done)
    }
    await queue.idle()
    expect(queue.load()).toMatchObject({ waitingTasks: 0, runningTasks: 0, waitingTokens: 0, runningTokens: 0 })
    expect(getEventListeners(shared.signal, 'abort')).toHaveLength(0)
  })

  it('before it starts costs nothing', async () => {
    const { queue, device } = open()
    expect(await codes(queue.enqueue([task(1, 1, 1)], { signal: AbortSignal.abort(deviceFailed()) }))).toEqual([
      'DEVICE_FAILED',
    ])
    expect(device.runs).toHaveLength(0)
  })
})

describe('failures', () => {
  const guilty = 666
  const isGuilty = (ids: readonly number[]): boolean => ids.includes(guilty)
  /** Tasks of one short sequence each; those at `bad` hold the guilty token. */
  const tasks = (count: number, bad: readonly number[]): Sequence[][] =>
    run(0, count).map((index) => [sequence([1000 + index, bad.includes(index) ? guilty : 1, 2])])
  const expected = (count: number, bad: readonly number[], code: string): string[] =>
    run(0, count).map((index) => (bad.includes(index) ? code : 'ok'))

  it.each([
    ['one item of many', 33, [20]],
    ['the first and the last', 16, [0, 15]],
    ['the only one', 1, [0]],
    ['three side by side', 30, [6, 7, 8]],
  ])('of the device stay with the items that cause them: %s', async (_, count, bad) => {
    const { queue, device } = open(
      {},
      { fails: ({ sequences }) => (sequences.some(isGuilty) ? deviceFailed() : undefined) },
    )
    const asked = tasks(count, bad)
    const done = queue.enqueue(asked)
    expect(await codes(done)).toEqual(expected(count, bad, 'ENGINE_ITEM_FAILED'))
    for (const [index, one] of done.entries()) if (!bad.includes(index)) await expectAnswers(one, asked[index]!)
    expect(device.runs.length).toBeLessThanOrEqual(1 + 2 * bad.length * Math.ceil(Math.log2(count + 1)))
  })

  it('that are not numbers stay with their items', async () => {
    const { queue, device } = open({}, { nan: isGuilty })
    expect(await codes(queue.enqueue(tasks(9, [2, 5])))).toEqual(expected(9, [2, 5], 'RESULT_NOT_FINITE'))
    expect(device.runs).toHaveLength(1)
  })

  it('fail the whole task, whose other sequences need not run', async () => {
    const { queue, device } = open({}, { nan: isGuilty })
    const long = [sequence([guilty]), ...task(1, 100, 25)]
    expect(await codes(queue.enqueue([long]))).toEqual(['RESULT_NOT_FINITE'])
    await queue.idle()
    expect(device.runs.length).toBeLessThanOrEqual(3)
  })

  it('of everything are given up after a bounded number of runs, and the queue goes on', async () => {
    let broken = true
    const { queue, device } = open(
      { maxNumSeqs: 400, maxNumBatchedTokens: 4000 },
      { fails: () => (broken ? deviceFailed() : undefined) },
    )
    const answers = new Set(await codes(queue.enqueue(tasks(400, []))))
    expect(answers).toEqual(new Set(['ENGINE_ITEM_FAILED', 'DEVICE_FAILED']))
    expect(device.runs.length).toBeLessThanOrEqual(65)
    broken = false
    expect(await codes(queue.enqueue(tasks(2, [])))).toEqual(['ok', 'ok'])
  })

  it('for want of memory halve the batches once, say so, and are tried again', async () => {
    const warnings: string[] = []
    const fails: SpellingOptions['fails'] = ({ rows }) =>
      rows > 55 ? new QvlError('DEVICE_OUT_OF_MEMORY', { what: 'Memory ran out.' }) : undefined
    const { queue, device } = open({ warn: (message) => warnings.push(message) }, { fails })
    const asked = task(1, 40, 10)
    await expectAnswers(queue.enqueue([asked])[0]!, asked)
    expect(warnings).toEqual([expect.stringMatching(/--max-num-batched-tokens 50/)])
    const before = device.runs.length
    await expectAnswers(queue.enqueue([asked])[0]!, asked)
    expect(device.runs.slice(before).map(({ rows }) => rows)).toEqual(run(0, 8).map(() => 50))
  })
})

describe('reports', () => {
  it('what every batch was, and how much it computed', async () => {
    const reports: BatchReport[] = []
    const { queue } = open({ onBatch: (report) => reports.push(report) })
    const stem = run(100, 20)
    const done = queue.enqueue([[sequence([...stem, 1]), sequence([...stem, 2])], task(1, 1, 30)])
    await Promise.all(done)
    expect(reports).toEqual([
      { sequences: 3, promptTokens: 72, computedTokens: 52, seconds: expect.any(Number), failed: false },
    ])
    expect(queue.counters).toEqual({ promptTokens: 72, computedTokens: 52 })
    expect(queue.prefixCache()).toEqual({ queriedTokens: 72, hitTokens: 20, usedBytes: 0, maxBytes: 0 })
    expect(queue.load().tokensPerSecond).toBeGreaterThan(0)
  })

  it('how busy it is, while it is', async () => {
    const seen: object[] = []
    const { queue } = open({}, { delay: async () => void seen.push(queue.load()) })
    await Promise.all([task(1, 3, 90), task(2, 1, 90), task(3, 1, 80)].map((one) => queue.enqueue([one])[0]!))
    // One batch runs and one is handed over; each has room for one sequence.
    expect(seen[0]).toMatchObject({ waitingTasks: 1, runningTasks: 2, waitingTokens: 260, runningTokens: 180 })
    expect(queue.load()).toMatchObject({ waitingTasks: 0, runningTasks: 0, waitingTokens: 0, runningTokens: 0 })
  })

  it('where the time of a task went', async () => {
    const { queue } = open()
    const [first, last] = await Promise.all(queue.enqueue([task(1, 1, 90), task(2, 9, 90)]))
    for (const { timing } of [first!, last!]) {
      expect(timing.queueMs).toBeGreaterThanOrEqual(0)
      expect(timing.runMs).toBeGreaterThanOrEqual(0)
    }
    expect(last!.timing.queueMs).toBeGreaterThanOrEqual(first!.timing.queueMs)
  })
})
