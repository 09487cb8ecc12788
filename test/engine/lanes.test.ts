// The queue with a device of several lanes, one that is lost, and one that computes whole sequences only.

import { describe, expect, it } from 'vitest'
import { Queue, type QueuedDevice } from '#qvl/engine/queue.js'
import type { BatchReport, Sequence } from '#qvl/engine/requests.js'
import { QvlError } from '#qvl/errors.js'
import { SpellingDevice, spelled, spellingModel } from './spelling-device.js'

const limits = { maxNumBatchedTokens: 100, maxNumSeqs: 50, sharePrefixes: true }

const sequence = (first: number, length: number): Sequence => ({
  ids: Int32Array.from({ length }, (_, i) => first + i),
  prefixTokens: 0,
  pool: 'last',
})

/** Runs wait until they are let go, and then compute on a spelling device. */
class HeldDevice {
  readonly device = new SpellingDevice()
  readonly held: (() => void)[] = []
  numRunning = 0
  mostRunning = 0

  async run(inputs: Parameters<SpellingDevice['run']>[0]) {
    this.mostRunning = Math.max(this.mostRunning, ++this.numRunning)
    await new Promise<void>((resolve) => this.held.push(resolve))
    this.numRunning--
    return this.device.run(inputs)
  }

  release(): void {
    for (const resolve of this.held.splice(0)) resolve()
  }
}

const lanesOf = (held: HeldDevice, numLanes: number): QueuedDevice => ({ run: (inputs) => held.run(inputs), numLanes })

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

async function settleAll(held: HeldDevice, done: Promise<unknown>): Promise<void> {
  let settled = false
  const end = done.finally(() => {
    settled = true
  })
  while (!settled) {
    held.release()
    await turns(1)
  }
  await end
}

describe('lanes', () => {
  it.each([1, 2, 4])(
    '%i of them get two batches each, and every answer is that of its own tokens',
    async (numLanes) => {
      const held = new HeldDevice()
      const queue = new Queue(spellingModel, lanesOf(held, numLanes), limits)
      const tasks = Array.from({ length: 40 }, (_, at) => [sequence(1_000 * at, 40 + at)])
      const done = queue.enqueue(tasks)
      await turns(20)
      expect(held.numRunning).toBe(2 * numLanes)
      await settleAll(held, Promise.all(done))
      expect(held.mostRunning).toBe(2 * numLanes)
      for (const [at, one] of done.entries()) {
        expect([...(await one).rows[0]!.hidden]).toEqual(spelled(tasks[at]![0]!.ids))
      }
      expect(queue.load()).toMatchObject({ runningTasks: 0, waitingTasks: 0, runningTokens: 0 })
    },
  )

  it('that have nothing to do start at once', async () => {
    const held = new HeldDevice()
    const queue = new Queue(spellingModel, lanesOf(held, 3), limits)
    const done = [queue.enqueue([[sequence(0, 50)]])]
    await turns(3)
    done.push(queue.enqueue([[sequence(1_000, 50)]]))
    await turns(3)
    expect(held.numRunning).toBe(2)
    await settleAll(held, Promise.all(done.flat()))
  })

  it('do not matter for what is in a batch', async () => {
    const batches = async (numLanes: number): Promise<number[][]> => {
      const held = new HeldDevice()
      const queue = new Queue(spellingModel, lanesOf(held, numLanes), limits)
      const tasks = Array.from({ length: 60 }, (_, at) => [sequence(1_000 * at, 5 + ((at * 7) % 40))])
      await settleAll(held, Promise.all(queue.enqueue(tasks)))
      return held.device.runs.map(({ sequences }) => sequences.map((ids) => ids[0]!))
    }
    expect(await batches(4)).toEqual(await batches(1))
  })
})

describe('a device that is lost', () => {
  it('fails every item of the batch with DEVICE_LOST, and is not tried with parts of it', async () => {
    const reports: BatchReport[] = []
    let numRuns = 0
    const device: QueuedDevice = {
      run: () => {
        numRuns++
        return Promise.reject(new QvlError('DEVICE_LOST', { what: 'The device was lost.' }))
      },
    }
    const queue = new Queue(spellingModel, device, { ...limits, onBatch: (report) => reports.push(report) })
    const tasks = Array.from({ length: 8 }, (_, at) => [sequence(1_000 * at, 10)])
    const codes = await Promise.all(queue.enqueue(tasks).map((one) => one.catch((error: QvlError) => error.code)))
    expect(codes).toEqual(tasks.map(() => 'DEVICE_LOST'))
    expect(numRuns).toBe(1)
    expect(reports).toMatchObject([{ sequences: 8, failed: true }])
  })

  it('while a failed batch is taken apart ends that', async () => {
    const errors = ['DEVICE_FAILED', 'DEVICE_LOST', 'DEVICE_LOST'] as const
    let numRuns = 0
    const device: QueuedDevice = {
      run: () => Promise.reject(new QvlError(errors[Math.min(numRuns++, 2)]!, { what: 'It failed.' })),
    }
    const queue = new Queue(spellingModel, device, limits)
    const tasks = Array.from({ length: 8 }, (_, at) => [sequence(1_000 * at, 10)])
    const codes = await Promise.all(queue.enqueue(tasks).map((one) => one.catch((error: QvlError) => error.code)))
    expect(codes).toEqual(tasks.map(() => 'DEVICE_LOST'))
    expect(numRuns).toBe(3)
  })
})

it('a device of whole sequences gets no chains, and no sharing is reported', async () => {
  const spelling = new SpellingDevice()
  const device: QueuedDevice = {
    run: (inputs) => spelling.run(inputs),
    keptSpans: spelling.keptSpans,
    wholeSequences: true,
  }
  const queue = new Queue(spellingModel, device, { ...limits, prefixCacheBytes: 10_000 })
  const tasks = Array.from({ length: 4 }, () => [{ ...sequence(0, 30), prefixTokens: 20 }])
  for (const one of queue.enqueue(tasks)) {
    expect([...(await one).rows[0]!.hidden]).toEqual(spelled(tasks[0]![0]!.ids))
  }
  expect(spelling.runs.flatMap(({ spans }) => spans.map(({ rows, chain, keep }) => ({ rows, chain, keep })))).toEqual(
    tasks.map(() => ({ rows: 30, chain: [], keep: undefined })),
  )
  expect(queue.counters).toEqual({ computedTokens: 120, promptTokens: 120 })
  expect(queue.prefixCache()).toEqual({ queriedTokens: 0, hitTokens: 0, usedBytes: 0, maxBytes: 0 })
})
