// The chips that programs are compiled for, and in which number types each computes.

import { QvlError } from '../../errors.js'
import type { LoadOptions } from '../device.js'
import type { Products } from './weight-places.js'

/** Names as the runtime and ATC have them, with the products that the chip is in. */
export const knownSocs: Readonly<Record<string, string>> = {
  Ascend910B1: 'Atlas A2',
  Ascend910B2: 'Atlas A2',
  Ascend910B2C: 'Atlas A2',
  Ascend910B3: 'Atlas A2',
  Ascend910B4: 'Atlas 800I A2',
  'Ascend910B4-1': 'Atlas 800I A2',
  Ascend910_9362: 'Atlas A3',
  Ascend910_9381: 'Atlas A3',
  Ascend910_9382: 'Atlas A3',
  Ascend910_9391: 'Atlas A3',
  Ascend910_9392: 'Atlas A3',
  Ascend310P1: 'Atlas 300I',
  Ascend310P3: 'Atlas 300I Duo',
}

/**
 * A name on the command line of another program: it must look like one, and be known unless a new chip is meant. Throws
 * USAGE.
 */
export function checkSoc(name: string): string {
  if (Object.hasOwn(knownSocs, name)) return name
  throw new QvlError('USAGE', {
    what: `${JSON.stringify(name)} is not a chip that qvl knows.`,
    why: `Known are ${Object.keys(knownSocs).join(', ')}.`,
    do: 'Give the name that `qvl doctor` or npu-smi shows on the machine with the NPU, such as Ascend910B4.',
    param: '--soc-version',
  })
}

const lacksBfloat16 = (soc: string): boolean => soc.startsWith('Ascend310P')

/**
 * The number type of matrix products: float16 where none is asked for, as every chip has it. Throws DEVICE_UNAVAILABLE for
 * one that the chip lacks.
 */
export function productsOn(soc: string, { dtype = 'auto', quantization }: LoadOptions): Products {
  const products = dtype === 'auto' ? 'float16' : dtype
  if (quantization !== undefined) throw lacking(`--quantization ${quantization}`, soc)
  if (products !== 'float16' && lacksBfloat16(soc)) throw lacking(`--dtype ${products}`, soc)
  return products
}

const lacking = (flag: string, soc: string): QvlError =>
  new QvlError('DEVICE_UNAVAILABLE', {
    what: `${flag} is not available on ${soc}.`,
    why: lacksBfloat16(soc)
      ? 'That chip multiplies matrices in float16.'
      : 'The npu device multiplies in float16, bfloat16 or float32.',
    // Encoders are in float32 unless they are told otherwise.
    do: 'Use --dtype float16, without --quantization, or compute on another device.',
    param: flag.split(' ', 1)[0]!,
  })
