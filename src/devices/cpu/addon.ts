// Finds and loads the native addon.

import { createRequire } from 'node:module'
import { QvlError } from '../../errors.js'
import { nativeFile } from '../native-file.js'
import type { NativeCpu } from './native.js'

const findAddon = (): string | undefined => nativeFile('qvl_cpu.node')

/** Whether this installation has the addon at all. */
export const hasAddon = (): boolean => findAddon() !== undefined

/** Throws DEVICE_UNAVAILABLE. */
export function loadAddon(): NativeCpu {
  const file = findAddon()
  if (file === undefined) {
    throw new QvlError('DEVICE_UNAVAILABLE', {
      what: 'The cpu device is not built.',
      why: 'There is no package with its native code for this platform, and it was not compiled here.',
      do: 'Install g++ or clang++ and run `npm run build:native` in the folder of qvl, or use --device ort.',
    })
  }
  try {
    const native: NativeCpu = createRequire(import.meta.url)(file)
    // Asked here so that an instruction set this machine lacks is refused before anything is loaded.
    native.isa()
    return native
  } catch (cause) {
    throw new QvlError('DEVICE_UNAVAILABLE', {
      what: 'The cpu device cannot be used on this machine.',
      why: `Its native code was built for another system, or QVL_CPU_ISA${isaNote()} is not an instruction set of this processor.`,
      do: 'Run `npm run build:native` in the folder of qvl, unset QVL_CPU_ISA, or use --device ort.',
      cause,
    })
  }
}

const isaNote = (): string => (process.env.QVL_CPU_ISA === undefined ? '' : ` (${process.env.QVL_CPU_ISA})`)

/** The addon's errors carry a code of its own. */
const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

export const isOutOfMemory = (error: unknown): boolean => hasCode(error, 'OUT_OF_MEMORY')
export const isUnreadable = (error: unknown): boolean => hasCode(error, 'WEIGHTS_UNREADABLE')
