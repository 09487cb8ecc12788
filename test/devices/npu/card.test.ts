// A card that is lost comes back by itself, with its models; until then runs say so.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { NpuCard } from '#qvl/devices/npu/card.js'
import type { NpuAddon, NpuDevice, NpuErrorCode, NpuModel } from '#qvl/devices/npu/native.js'

const npuError = (code: NpuErrorCode): Error =>
  Object.assign(new Error(code), { code, aclCall: 'aclmdlExecute', aclCode: 1 })

/** An addon whose devices do what the test says next. */
class Scripted implements NpuAddon {
  /** What is open and loaded now, and what was. */
  readonly log: string[] = []
  /** Errors of the next calls, by name; a call without one succeeds. */
  readonly fails: Record<'open' | 'load' | 'run' | 'close', NpuErrorCode[]> = { open: [], load: [], run: [], close: [] }
  /** The device never answers a close. */
  hangsOnClose = false
  /** Called with every load after the test has set it. */
  onLoad: (omPath: string) => void = () => {}
  #numOpened = 0

  probe(): never {
    throw new Error('not asked')
  }

  async open({ deviceId }: { deviceId: number }): Promise<NpuDevice> {
    this.#step('open')
    const name = `${deviceId}.${++this.#numOpened}`
    this.log.push(`open ${name}`)
    return {
      load: async ({ omPath }) => {
        this.#step('load')
        this.log.push(`load ${omPath} on ${name}`)
        this.onLoad(omPath)
        return this.#model(name)
      },
      memory: async () => ({ freeBytes: 1, totalBytes: 1 }),
      close: async () => {
        this.log.push(`close ${name}`)
        if (this.hangsOnClose) await new Promise(() => {})
        this.#step('close')
      },
    }
  }

  #model(name: string): NpuModel {
    return {
      describe: () => ({ inputs: [], outputs: [], gears: [] }),
      run: async () => {
        this.#step('run')
        this.log.push(`run on ${name}`)
        return { outputDims: {}, deviceMs: 1 }
      },
      close: async () => void this.log.push(`unload on ${name}`),
    }
  }

  #step(call: keyof Scripted['fails']): void {
    const code = this.fails[call].shift()
    if (code !== undefined) throw npuError(code)
  }
}

const run = { inputs: {}, outputs: {}, timeoutMs: 1_000 }

async function opened() {
  const addon = new Scripted()
  const said: string[] = []
  const card = await NpuCard.open({ addon, deviceId: 3, say: (message) => said.push(message) })
  const model = await card.load({ omPath: 'text.om' })
  return { addon, said, card, model }
}

async function untilUp(card: NpuCard): Promise<void> {
  const end = performance.now() + 10_000
  while (!card.isUp && performance.now() < end) await sleep(5)
  expect(card.isUp).toBe(true)
}

describe('a lost card', () => {
  it.each(['ERR_NPU_DEVICE_FAILED', 'ERR_NPU_TIMEOUT'] as const)(
    'after %s is opened again with all models',
    async (code) => {
      const { addon, said, card, model } = await opened()
      const tower = await card.load({ omPath: 'vision.om' })
      addon.fails.run.push(code)
      await expect(model.run(run)).rejects.toMatchObject({ code: 'DEVICE_LOST', status: 503 })
      expect(model.isUp).toBe(false)
      await expect(tower.run(run)).rejects.toMatchObject({ code: 'DEVICE_LOST' })
      await untilUp(card)
      await expect(Promise.all([model.run(run), tower.run(run)])).resolves.toHaveLength(2)
      await card.close()
      expect(addon.log).toEqual([
        'open 3.1',
        'load text.om on 3.1',
        'load vision.om on 3.1',
        'close 3.1',
        'open 3.2',
        'load text.om on 3.2',
        'load vision.om on 3.2',
        'run on 3.2',
        'run on 3.2',
        'close 3.2',
      ])
      expect(said).toEqual([
        expect.stringMatching(/^NPU 3 was lost/),
        expect.stringMatching(/^NPU 3 is back after \d+\.\d s\.$/),
      ])
    },
  )

  it('that cannot be opened is tried again, and a device whose model cannot be loaded is closed', async () => {
    const { addon, said, card, model } = await opened()
    addon.fails.run.push('ERR_NPU_DEVICE_FAILED')
    addon.fails.load.push('ERR_NPU_OOM')
    await expect(model.run(run)).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    await untilUp(card)
    await card.close()
    expect(addon.log.slice(2)).toEqual([
      'close 3.1',
      'open 3.2',
      'close 3.2',
      'open 3.3',
      'load text.om on 3.3',
      'close 3.3',
    ])
    expect(said[1]).toMatch(/^NPU 3 cannot be opened: .*memory.* Trying again in 1 s\.$/)
  })

  it('is lost once, however many runs say so', async () => {
    const { addon, said, card, model } = await opened()
    addon.fails.run.push('ERR_NPU_DEVICE_FAILED', 'ERR_NPU_CLOSED', 'ERR_NPU_DEVICE_FAILED')
    const outcomes = await Promise.allSettled([model.run(run), model.run(run), model.run(run)])
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      outcomes.map(() => 'DEVICE_LOST'),
    )
    await untilUp(card)
    await card.close()
    expect(said).toHaveLength(2)
  })

  it('can be closed while it is away', async () => {
    const { addon, card, model } = await opened()
    addon.fails.run.push('ERR_NPU_DEVICE_FAILED')
    addon.fails.open.push(...Array.from({ length: 20 }, () => 'ERR_NPU_NO_DEVICE' as const))
    await expect(model.run(run)).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    await sleep(20)
    await card.close()
    await card.close()
    expect(addon.log.at(-1)).toBe('close 3.1')
  })
})

it.each([
  ['ERR_NPU_OOM', 'DEVICE_OUT_OF_MEMORY'],
  ['ERR_NPU_GEAR', 'DEVICE_FAILED'],
  ['ERR_NPU_INTERNAL', 'DEVICE_FAILED'],
] as const)('%s fails the run alone', async (code, expected) => {
  const { addon, card, model } = await opened()
  addon.fails.run.push(code)
  await expect(model.run(run)).rejects.toMatchObject({ code: expected })
  await expect(model.run(run)).resolves.toMatchObject({ deviceMs: 1 })
  await card.close()
})

it('a model that is closed is not loaded again', async () => {
  const { addon, card, model } = await opened()
  const other = await card.load({ omPath: 'other.om' })
  await other.close()
  addon.fails.run.push('ERR_NPU_DEVICE_FAILED')
  await expect(model.run(run)).rejects.toMatchObject({ code: 'DEVICE_LOST' })
  await untilUp(card)
  await expect(other.run(run)).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
  await card.close()
  expect(addon.log.filter((line) => line.startsWith('load other.om'))).toHaveLength(1)
})

it('a model that is closed while it is loaded again is closed there too', async () => {
  const { addon, card, model } = await opened()
  const other = await card.load({ omPath: 'other.om' })
  addon.fails.run.push('ERR_NPU_DEVICE_FAILED')
  addon.onLoad = (omPath) => void (omPath === 'other.om' && other.close())
  await expect(model.run(run)).rejects.toMatchObject({ code: 'DEVICE_LOST' })
  await untilUp(card)
  await card.close()
  expect(addon.log.slice(-4)).toEqual(['load text.om on 3.2', 'load other.om on 3.2', 'unload on 3.2', 'close 3.2'])
})
