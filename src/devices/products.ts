// Refuses number types that a device does not compute in, rather than quietly using another.

import { QvlError } from '../errors.js'
import type { DeviceName, LoadOptions } from './device.js'

/** Throws DEVICE_UNAVAILABLE for the number type of the npu device, which no other has. */
export function refuseFloat16(device: DeviceName, { dtype }: LoadOptions): void {
  if (dtype === 'float16') throw refusal(device, 'float32 or bfloat16', `--dtype ${dtype}`)
}

/** For devices of one number type, no less exact than float32. Throws DEVICE_UNAVAILABLE. */
export function checkProducts(device: DeviceName, products: string, { dtype, quantization }: LoadOptions): void {
  if (quantization !== undefined) throw refusal(device, products, `--quantization ${quantization}`)
  if (dtype === 'bfloat16' || dtype === 'float16') throw refusal(device, products, `--dtype ${dtype}`)
}

const refusal = (device: DeviceName, products: string, flag: string): QvlError =>
  new QvlError('DEVICE_UNAVAILABLE', {
    what: `${flag} is not available on the device ${device}.`,
    why: `That device computes in ${products}; weights in bfloat16 or float16 are widened without loss.`,
    do: flag === '--dtype float16' ? 'Leave the flag out.' : 'Use --device cpu, or leave the flag out.',
    param: flag.split(' ', 1)[0]!,
  })
