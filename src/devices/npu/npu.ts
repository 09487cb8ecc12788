// The device that runs compiled programs on Ascend NPUs, one or several.

import { QvlError } from '../../errors.js'
import type { Device } from '../device.js'
import type { OpenDeviceOptions } from '../open-device.js'
import { loadNpuAddon, npuFailure } from './addon.js'
import { NpuCard } from './card.js'
import { loadCompiled } from './load-compiled.js'
import type { NpuProbe } from './native.js'
import { visibleDevicesWarning } from './visible-devices.js'

/** What AscendCL says of this machine. Throws DEVICE_UNAVAILABLE, and what else `npuFailure` makes of an error. */
export async function probeNpu(): Promise<NpuProbe> {
  try {
    return await loadNpuAddon().probe({})
  } catch (error) {
    throw npuFailure(error)
  }
}

/** Opens the first `count` devices that AscendCL shows. Throws as `probeNpu`. */
export async function createNpuDevice({ count = 1, say = () => {} }: OpenDeviceOptions): Promise<Device> {
  const { devices, socName } = await probeNpu()
  const warning = visibleDevicesWarning(process.env.ASCEND_RT_VISIBLE_DEVICES)
  if (warning !== undefined) say(warning)
  if (devices.length < count) throw tooFew(count, devices.length)
  const ids = devices.slice(0, count).map(({ id }) => id)
  const cards = await openCards(ids, say)
  return {
    name: 'npu',
    hasOwnCores: true,
    load: (program, weights, options) => loadCompiled({ program, weights, cards, socName, options }),
    close: () => closeAll(cards),
  }
}

/** One after the other: the first call of a process sets up the driver for all. */
async function openCards(ids: readonly number[], say: (message: string) => void): Promise<NpuCard[]> {
  const addon = loadNpuAddon()
  const cards: NpuCard[] = []
  try {
    for (const deviceId of ids) cards.push(await NpuCard.open({ addon, deviceId, say }))
    return cards
  } catch (error) {
    await closeAll(cards)
    throw error
  }
}

async function closeAll(cards: readonly NpuCard[]): Promise<void> {
  await Promise.all(cards.map((card) => card.close()))
}

function tooFew(asked: number, found: number): QvlError {
  const list = process.env.ASCEND_RT_VISIBLE_DEVICES
  const why = list === undefined ? '' : `, with ASCEND_RT_VISIBLE_DEVICES ${JSON.stringify(list)}`
  return new QvlError('DEVICE_UNAVAILABLE', {
    what: `${asked} NPUs were asked for, and there ${found === 1 ? 'is one' : `are ${found}`}.`,
    why: `That is what AscendCL shows to this process${why}.`,
    do: 'Lower --data-parallel-size, or show it more devices.',
    param: '--data-parallel-size',
  })
}
