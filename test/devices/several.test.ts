// Several devices as one: who gets a batch, what becomes of one whose device is lost, and that answers are the right ones.

import { describe, expect, it } from 'vitest'
import type { LoadedProgram } from '#qvl/devices/device.js'
import { SeveralPrograms } from '#qvl/devices/several.js'
import { QvlError } from '#qvl/errors.js'
import type { ProgramInputs, Span } from '#qvl/program/program.js'

/** A device that answers its number when it is told to. */
class Manual implements LoadedProgram {
  readonly arithmetic = { products: 'float32' as const, threads: 1 }
  readonly wholeSequences = true
  readonly waiting: { rows: number; resolve: () => void; reject: (error: QvlError) => void }[] = []
  isUp = true
  closed = 0
  readonly #number: number

  constructor(number: number) {
    this.#number = number
  }

  run(inputs: ProgramInputs) {
    const rows = (inputs.spans as readonly Span[]).reduce((sum, span) => sum + span.rows, 0)
    return new Promise<Record<string, { rows: number; width: number; data: Float32Array }>>((resolve, reject) => {
      const data = Float32Array.of(this.#number)
      this.waiting.push({ rows, resolve: () => resolve({ hidden: { rows: 1, width: 1, data } }), reject })
    })
  }

  async close() {
    this.closed++
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }
}

const devices = (count: number): Manual[] => Array.from({ length: count }, (_, number) => new Manual(number))

const batch = (...lengths: number[]): ProgramInputs => ({
  ids: new Int32Array(lengths.reduce((sum, rows) => sum + rows, 0)),
  spans: lengths.map((rows) => ({ start: 0, rows, chain: [] })),
})

const lost = (): QvlError => new QvlError('DEVICE_LOST', { what: 'Lost.' })

const rowsOn = (all: readonly Manual[]): number[][] => all.map(({ waiting }) => waiting.map(({ rows }) => rows))

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const answerOf = async (run: Promise<Record<string, { data: Float32Array }>>): Promise<number> =>
  (await run).hidden!.data[0]!

describe('a batch', () => {
  it('goes to the device with the fewest rows to compute', async () => {
    const all = devices(3)
    const several = new SeveralPrograms(all)
    const runs = [batch(100), batch(10, 10), batch(30), batch(5), batch(40)].map((inputs) => several.run(inputs))
    expect(rowsOn(all)).toEqual([[100], [20, 5, 40], [30]])
    all[0]!.waiting[0]!.resolve()
    await expect(answerOf(runs[0]!)).resolves.toBe(0)
    void several.run(batch(1))
    expect(rowsOn(all)).toEqual([[100, 1], [20, 5, 40], [30]])
  })

  it('is computed once more when its device is lost, on one that is up', async () => {
    const all = devices(3)
    const several = new SeveralPrograms(all)
    const run = several.run(batch(10))
    all[0]!.isUp = false
    all[1]!.isUp = false
    all[0]!.waiting[0]!.reject(lost())
    await turn()
    expect(rowsOn(all)).toEqual([[10], [], [10]])
    all[2]!.waiting[0]!.resolve()
    await expect(answerOf(run)).resolves.toBe(2)
  })

  it('is not tried a third time', async () => {
    const all = devices(3)
    const run = new SeveralPrograms(all).run(batch(10))
    const failed = expect(run).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    for (const device of [all[0]!, all[1]!]) {
      device.isUp = false
      device.waiting[0]!.reject(lost())
      await turn()
    }
    await failed
    expect(rowsOn(all)).toEqual([[10], [10], []])
  })

  it.each([
    ['the only device', 1, lost()],
    ['another failure', 3, new QvlError('DEVICE_FAILED', { what: 'Failed.' })],
  ])('fails at once: %s', async (_name, count, error) => {
    const all = devices(count)
    const run = new SeveralPrograms(all).run(batch(10))
    all[0]!.isUp = error.code !== 'DEVICE_LOST'
    all[0]!.waiting[0]!.reject(error)
    await expect(run).rejects.toBe(error)
    expect(rowsOn(all).flat()).toEqual([10])
  })

  it('goes to no device that is lost', () => {
    const all = devices(2)
    all[0]!.isUp = false
    const several = new SeveralPrograms(all)
    void several.run(batch(50))
    void several.run(batch(50))
    expect(rowsOn(all)).toEqual([[], [50, 50]])
    expect(several.isUp).toBe(true)
    all[1]!.isUp = false
    expect(several.isUp).toBe(false)
  })
})

it('they are one program: closed together, and without shared prefixes where one has none', async () => {
  const all = devices(2)
  const several = new SeveralPrograms(all)
  expect(several).toMatchObject({ numLanes: 2, wholeSequences: true })
  await several.close()
  expect(all.map(({ closed }) => closed)).toEqual([1, 1])
})
