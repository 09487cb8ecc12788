// The vision tower as a queue: what runs together, what is kept, and what becomes of failures and of clients that leave.

import { describe, expect, it } from 'vitest'
import { type Seen, VisionRunner } from '#qvl/engine/vision.js'
import { QvlError } from '#qvl/errors.js'
import type { VisionModel } from '#qvl/models/model.js'
import type { ProgramInputs } from '#qvl/program/program.js'

/** An image of one token whose only feature is its number; `fails` says where. */
function visual(number: number, { patches = 4, fails = false }: { patches?: number; fails?: boolean } = {}): Seen {
  return {
    key: String(number).padStart(64, '0'),
    grid: [1, 1, patches],
    async patches() {
      if (fails) throw new QvlError('MEDIA_INVALID', { what: 'The image cannot be read.' })
      return { grid: [1, 1, patches], pixels: Float32Array.of(number) }
    },
  }
}

/** A tower that gives back what it is given, records its runs, and breaks on one number. */
function tower({ maxBytes = 1000, maxPatches = 8, breaksOn = Number.NaN } = {}) {
  const runs: number[][] = []
  let hold: Promise<void> = Promise.resolve()
  const model: Pick<VisionModel, 'inputs' | 'features'> = {
    inputs: async (images) => ({ numbers: Float32Array.from(images.flatMap(({ pixels }) => [...pixels])) }),
    features: ({ numbers }) => [...numbers!.data].map((number) => ({ main: Float32Array.of(number), deepstack: [] })),
  }
  const device = {
    async run({ numbers }: ProgramInputs) {
      const data = numbers as Float32Array
      runs.push([...data])
      await hold
      if (data.includes(breaksOn)) throw new QvlError('DEVICE_FAILED', { what: 'The device failed.' })
      return { numbers: { rows: data.length, width: 1, data } }
    },
  }
  const runner = new VisionRunner({ model: model as VisionModel, device, maxPatches, maxBytes })
  const holdWith = (promise: Promise<void>): void => {
    hold = promise
  }
  return { runner, runs, holdWith }
}

const numbersOf = async (features: Promise<{ main: Float32Array }>[]) =>
  (await Promise.all(features)).map(({ main }) => main[0])

describe('the vision runner', () => {
  it('runs images together as far as they fit, in order', async () => {
    const { runner, runs } = tower({ maxPatches: 8 })
    const features = [1, 2, 3].map((number) => runner.features(visual(number)))
    expect(await numbersOf(features)).toEqual([1, 2, 3])
    expect(runs).toEqual([[1, 2], [3]])
  })

  it('an image larger than a run goes alone', async () => {
    const { runner, runs } = tower({ maxPatches: 8 })
    const features = [visual(1, { patches: 100 }), visual(2)].map((one) => runner.features(one))
    expect(await numbersOf(features)).toEqual([1, 2])
    expect(runs).toEqual([[1], [2]])
  })

  it('computes an image once, for those who wait and for those who come later', async () => {
    const { runner, runs } = tower()
    expect(await numbersOf([runner.features(visual(1)), runner.features(visual(1))])).toEqual([1, 1])
    expect(await numbersOf([runner.features(visual(1))])).toEqual([1])
    expect(runs).toEqual([[1]])
    expect(runner.report()).toEqual({ queries: 3, hits: 2, usedBytes: 4 })
  })

  it('forgets what was used longest ago', async () => {
    const { runner, runs } = tower({ maxBytes: 8 })
    for (const number of [1, 2, 1, 3, 1, 2]) await runner.features(visual(number))
    expect(runs).toEqual([[1], [2], [3], [2]])
    expect(runner.report().usedBytes).toBe(8)
  })

  it('keeps nothing without memory for it', async () => {
    const { runner, runs } = tower({ maxBytes: 0 })
    for (const number of [1, 1]) await runner.features(visual(number))
    expect(runs).toEqual([[1], [1]])
    expect(runner.report().usedBytes).toBe(0)
  })

  it('an image that cannot be decoded fails alone, and is tried again', async () => {
    const { runner } = tower()
    const outcomes = await Promise.allSettled(
      [visual(1), visual(2, { fails: true }), visual(3)].map((v) => runner.features(v)),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'MEDIA_INVALID' } })
    expect((await runner.features(visual(2))).main[0]).toBe(2)
  })

  it('an image that breaks the device fails alone', async () => {
    const { runner } = tower({ breaksOn: 2, maxPatches: 100 })
    const outcomes = await Promise.allSettled([1, 2, 3].map((number) => runner.features(visual(number))))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'ENGINE_ITEM_FAILED' } })
  })

  it('does not compute what nobody waits for any more', async () => {
    const { runner, runs, holdWith } = tower({ maxPatches: 4 })
    let release: () => void = () => undefined
    holdWith(
      new Promise((resolve) => {
        release = resolve
      }),
    )
    const first = runner.features(visual(1))
    const second = runner.features(visual(2))
    const leaving = new AbortController()
    const third = runner.features(visual(3), leaving.signal)
    const fourth = runner.features(visual(4))
    const reason = new Error('the client left')
    leaving.abort(reason)
    await expect(third).rejects.toBe(reason)
    release()
    expect(await numbersOf([first, second, fourth])).toEqual([1, 2, 4])
    expect(runs).toEqual([[1], [2], [4]])
    // And computes it when somebody asks again.
    expect((await runner.features(visual(3))).main[0]).toBe(3)
  })
})
