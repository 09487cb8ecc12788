// Chooses a device, and opens it by its name.

import { hasAddon } from './cpu/addon.js'
import { createCpuDevice } from './cpu/cpu.js'
import type { Device, DeviceName } from './device.js'
import { createOrtDevice } from './ort/ort.js'
import { createReferenceDevice } from './reference/reference.js'

/** `auto` is the cpu device where this installation has its native code, else ONNX Runtime, of which `say` is told. */
export function chooseDevice(asked: DeviceName | 'auto', say: (message: string) => void): DeviceName {
  if (asked !== 'auto') return asked
  if (hasAddon()) return 'cpu'
  say('The cpu device is not built here; computing with ONNX Runtime, which is slower. See --device in the help.')
  return 'ort'
}

export interface OpenDeviceOptions {
  /** Devices of that kind (default 1), where there are several; programs run on all of them. */
  count?: number | undefined
  /** Told of what is odd about this machine, that a device was lost, and that it is back. */
  say?: ((message: string) => void) | undefined
}

/** Throws DEVICE_UNAVAILABLE when this machine lacks the device, or has fewer than asked for. */
export async function openDevice(name: DeviceName, options: OpenDeviceOptions = {}): Promise<Device> {
  switch (name) {
    case 'cpu':
      return createCpuDevice()
    case 'reference':
      return createReferenceDevice()
    case 'ort':
      return await createOrtDevice()
    case 'npu': {
      // Few machines have one.
      const { createNpuDevice } = await import('./npu/npu.js')
      return await createNpuDevice(options)
    }
    default:
      return name satisfies never
  }
}
