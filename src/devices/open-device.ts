// Opens a device by its name.

import { createCpuDevice } from './cpu/cpu.js'
import type { Device, DeviceName } from './device.js'
import { createOrtDevice } from './ort/ort.js'
import { createReferenceDevice } from './reference/reference.js'

/** Throws DEVICE_UNAVAILABLE when this machine lacks the device. */
export async function openDevice(name: DeviceName): Promise<Device> {
  switch (name) {
    case 'cpu':
      return createCpuDevice()
    case 'reference':
      return createReferenceDevice()
    case 'ort':
      return await createOrtDevice()
    default:
      return name satisfies never
  }
}
